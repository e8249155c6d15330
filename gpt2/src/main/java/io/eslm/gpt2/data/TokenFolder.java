// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data;

import io.eslm.tensor.io.FileErrors;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The names of token files in a folder: {@code train.bin} and {@code val.bin}; or shards with a number, such as our
 * {@code train-00000.bin}, llm.c's {@code fineweb_train_000001.bin}, or {@code edufineweb_train_000001.npy}.
 */
public final class TokenFolder {
    public static final String TRAIN_PART = "train";
    public static final String VAL_PART = "val";

    private TokenFolder() {
    }

    /** The only file of a part. */
    public static String whole(String part) {
        return part + ".bin";
    }

    /** One of several files of a part. */
    public static String shard(String part, int number) {
        return String.format(Locale.ROOT, "%s-%05d.bin", part, number);
    }

    /** True if there are tokens to train on. */
    static boolean is(Path folder) {
        return Files.isDirectory(folder) && !files(folder, TRAIN_PART).isEmpty();
    }

    /** The files of a part, in the order of their numbers; none if the folder has no such part. */
    static List<Path> files(Path folder, String part) {
        Path whole = folder.resolve(whole(part));
        if (Files.isRegularFile(whole)) {
            return List.of(whole);
        }
        Pattern shard = Pattern.compile("((?:.*[_-])?" + part + "[_-])0*(\\d+)\\.(?:bin|npy)");
        try (Stream<Path> all = Files.list(folder)) {
            return all.filter(file -> shard.matcher(file.getFileName().toString()).matches())
                    .filter(Files::isRegularFile).sorted(Comparator.comparing(file -> order(shard, file))).toList();
        } catch (IOException e) {
            throw FileErrors.failed("read", folder, e);
        }
    }

    /** Sorts like the name without its number, then like the number, however many zeros it begins with. */
    private static String order(Pattern shard, Path file) {
        Matcher m = shard.matcher(file.getFileName().toString());
        m.matches();
        return m.group(1) + String.format(Locale.ROOT, "%04d", m.group(2).length()) + m.group(2);
    }

    /**
     * The tokens of a part; empty if the folder has no such part.
     *
     * @param width bytes of a token; empty if the files themselves tell
     */
    static Optional<TokenFile> tokens(Path folder, String part, Optional<Integer> width) {
        List<TokenFile> files = files(folder, part).stream()
                .map(file -> width.map(w -> TokenFile.open(file, w)).orElseGet(() -> TokenFile.open(file))).toList();
        return files.isEmpty() ? Optional.empty() : Optional.of(TokenFile.joined(folder.resolve(whole(part)), files));
    }
}
