// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import io.eslm.tensor.UserError;
import io.eslm.tensor.io.FileErrors;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;

/**
 * The arguments of the program with the words of argument files in place of {@code @file}, and nanoGPT's words in ours. What
 * follows an option that takes one value is that value, so a prompt may begin with @. A file may name others, but not itself.
 */
final class Arguments {
    private static final int MAX_BYTES = 1 << 20;
    /** A longer word, which is no name of a file, is cut in messages. */
    private static final int SHOWN = 1000;

    private final Set<String> takeOneValue = new HashSet<>();
    private final List<String> words = new ArrayList<>();

    private Arguments() {
    }

    /** @throws UserError if an argument file cannot be read, names itself, or nanoGPT's option has no counterpart */
    static String[] expand(CommandLine program, String... given) {
        Arguments arguments = new Arguments();
        for (CommandLine command : program.getSubcommands().values()) {
            for (OptionSpec option : command.getCommandSpec().options()) {
                if (option.arity().max() == 1) {
                    arguments.takeOneValue.addAll(Arrays.asList(option.names()));
                }
            }
        }
        arguments.add(Arrays.asList(given), List.of());
        CommandLine command = arguments.words.isEmpty() ? null
                : program.getSubcommands().get(arguments.words.getFirst());
        List<String> configs =
                command == null || !command.getCommandSpec().optionsMap().containsKey(ConfigFile.FLAG) ? List.of()
                        : arguments.takeConfigs();
        List<String> words = new ArrayList<>(NanoGptWords.translate(arguments.words));
        Set<OptionSpec> asked = new HashSet<>();
        words.forEach(word -> asked.add(command == null ? null : ConfigFile.optionOf(command.getCommandSpec(), word)));
        for (String config : configs.reversed()) { // a later file counts more
            List<String> more = ConfigFile.words(command.getCommandSpec(), config, asked);
            words.addAll(1, more);
            more.forEach(word -> asked.add(ConfigFile.optionOf(command.getCommandSpec(), word)));
        }
        return words.toArray(String[]::new);
    }

    /** Takes the names of files of settings out of the words. */
    private List<String> takeConfigs() {
        List<String> files = new ArrayList<>();
        for (int i = 1; i < words.size(); i++) {
            String word = words.get(i);
            if (takeOneValue.contains(words.get(i - 1))) {
                continue;
            }
            if (word.startsWith(ConfigFile.FLAG + "=")) {
                files.add(word.substring(ConfigFile.FLAG.length() + 1));
                words.remove(i--);
            } else if (word.equals(ConfigFile.FLAG) && i + 1 < words.size()) {
                files.add(words.get(i + 1));
                words.subList(i, i + 2).clear();
                i--;
            }
        }
        return files;
    }

    /** @param open the files that are being read */
    private void add(List<String> more, List<Path> open) {
        for (String word : more) {
            boolean isValue = !words.isEmpty() && takeOneValue.contains(words.getLast());
            if (isValue || word.length() < 2 || word.charAt(0) != '@') {
                words.add(word);
            } else if (word.startsWith("@@")) {
                words.add(word.substring(1));
            } else {
                addFile(word, open);
            }
        }
    }

    private void addFile(String given, List<Path> open) {
        String word = UserError.within(SHOWN, given);
        try {
            Path file = Path.of(given.substring(1));
            Path real = file.toRealPath();
            if (open.contains(real)) {
                throw new UserError(word + ": this file of options reads itself: " + open.stream().map(Path::toString)
                        .collect(Collectors.joining(" → ")) + " → " + real);
            }
            List<Path> inside = new ArrayList<>(open);
            inside.add(real);
            add(ShellWords.split(readOptions(word, file)), inside);
        } catch (IOException e) {
            throw new UserError(word + ": cannot read this file of options: " + FileErrors.reason(e)
                    + ". A word that only begins with @ is written @" + word, e);
        } catch (InvalidPathException e) {
            throw new UserError(word + ": is no name of a file: " + e.getReason(), e);
        } catch (UserError e) {
            throw e.getMessage().startsWith("@") ? e : new UserError(word + ": " + e.getMessage(), e);
        }
    }

    /** The text of a file of options; {@code word} says in messages where it comes from. */
    static String readOptions(String word, Path file) throws IOException {
        try (InputStream in = Files.newInputStream(file)) {
            byte[] bytes = in.readNBytes(MAX_BYTES + 1);
            if (bytes.length > MAX_BYTES) {
                throw new UserError(word + ": has more than " + MAX_BYTES + " bytes, so it is not a file of options");
            }
            return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
        }
    }
}
