// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import io.eslm.tensor.io.Json;
import io.eslm.tensor.UserError;
import io.eslm.tensor.io.DidYouMean;
import io.eslm.tensor.io.FileErrors;
import java.io.IOException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.tomlj.Toml;
import org.tomlj.TomlArray;
import org.tomlj.TomlParseError;
import org.tomlj.TomlParseResult;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/**
 * A file of settings in TOML: keys are the names of options, with dashes or underscores, and of nanoGPT's and Hugging Face's
 * that have a counterpart. A list stands for an option that is given several times. What the command line gives counts more.
 */
final class ConfigFile {
    static final String FLAG = "--config";
    private static final Set<String> NOT_INSIDE = Set.of(FLAG, "--save-config", "--help", "--version", "--verbose");

    /** The time that the library takes grows with the square of the digits. */
    private static final Pattern MANY_DIGITS = Pattern.compile("\\d{65}");

    private final CommandSpec command;
    private final String name;
    private final TomlParseResult toml;

    private ConfigFile(CommandSpec command, String name, TomlParseResult toml) {
        this.command = command;
        this.name = name;
        this.toml = toml;
    }

    /**
     * The settings of {@code file} as words of {@code command}, without those in {@code given}.
     *
     * @throws UserError naming the line of what is not understood
     */
    static List<String> words(CommandSpec command, String file, Set<OptionSpec> given) {
        TomlParseResult toml;
        try {
            String text = Arguments.readOptions(FLAG + " " + file, Path.of(file));
            UserError.check(!MANY_DIGITS.matcher(text).find(),
                    "%s %s: has more than 64 digits in a row; no setting takes such a number", FLAG, file);
            toml = Toml.parse(text);
        } catch (IOException e) {
            throw FileErrors.failed("read", Path.of(file), e);
        } catch (InvalidPathException e) {
            throw new UserError(FLAG + " " + file + ": is no name of a file: " + e.getReason(), e);
        } catch (StackOverflowError e) {
            throw new UserError(FLAG + " " + file + ": its lists are nested too deeply", e);
        } catch (AssertionError | RuntimeException e) { // the library's own checks, at an unknown \\ in a text
            throw new UserError(FLAG + " " + file + ": is no TOML that can be read; a text may have an unknown \\", e);
        }
        ConfigFile config = new ConfigFile(command, file, toml);
        if (toml.hasErrors()) {
            TomlParseError error = toml.errors().getFirst();
            throw new UserError(
                    config.line(error.position().line()) + Json.shown(error.getMessage().replaceFirst("\\.$", ""))
                            + ". Settings are in TOML; a text stands in quotes: data = \"book.txt\"",
                    error);
        }
        return config.words(given);
    }

    private String line(int line) {
        return FLAG + " " + name + ": line " + line + ": ";
    }

    private List<String> words(Set<OptionSpec> given) {
        List<String> words = new ArrayList<>();
        for (String key : toml.keySet()) {
            String line = line(toml.inputPositionOf(List.of(key)).line());
            List<String> setting = setting(line, key, toml.get(List.of(key)));
            if (setting.stream().noneMatch(word -> given.contains(option(word)))) {
                words.addAll(setting);
            }
        }
        return words;
    }

    /** The words of one setting; none if it asks for what happens anyway. */
    private List<String> setting(String line, String key, Object value) {
        String flag = "--" + key;
        List<String> words = new ArrayList<>();
        for (String text : texts(line, key, value)) {
            try {
                words.addAll(NanoGptWords.translate(List.of(command.name(), flag + "=" + text)));
                words.remove(command.name());
            } catch (UserError e) {
                throw new UserError(line + e.getMessage(), e);
            }
        }
        for (String word : words) {
            OptionSpec option = option(word);
            if (option == null || NOT_INSIDE.contains(Options.name(option))) {
                throw new UserError(
                        line + "unknown setting " + Json.shown(key) + DidYouMean.among(known(), key.replace('-', '_')));
            }
            if (words.size() > 1 && !takesSeveral(option)) {
                throw new UserError(line + key + " takes one value, and a list has several");
            }
        }
        return words;
    }

    private List<String> texts(String line, String key, Object value) {
        return switch (value) {
            case String text -> List.of(text);
            case Long _,Double _,Boolean _ -> List.of(value.toString());
            case TomlArray list -> list.toList().stream().flatMap(v -> texts(line, key, v).stream()).toList();
            default -> throw new UserError(line + key + " is " + (value instanceof org.tomlj.TomlTable
                    ? "a table; write each setting on its own line, before any [table]"
                    : "a date; a setting is a text, a number, true or false, or a list of these"));
        };
    }

    private static boolean takesSeveral(OptionSpec option) {
        return option.isMultiValue() || DeclaredOptions.takesSeveral(Options.name(option).substring(2));
    }

    private OptionSpec option(String word) {
        return optionOf(command, word);
    }

    /** The option that {@code word} names, or null. */
    static OptionSpec optionOf(CommandSpec command, String word) {
        int equals = word.indexOf('=');
        return command.optionsMap().get(equals < 0 ? word : word.substring(0, equals));
    }

    private List<String> known() {
        return command.options().stream().filter(o -> !NOT_INSIDE.contains(Options.name(o)))
                .flatMap(o -> Stream.of(Options.name(o).replaceFirst("^--", "").replace('-', '_'))).toList();
    }
}
