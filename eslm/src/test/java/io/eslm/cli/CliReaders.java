// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import io.eslm.report.Visible;
import java.io.IOException;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine;

/** The readers of this package, on the bytes of a file. */
public final class CliReaders {
    private static final CommandLine PROGRAM =
            Main.commandLine(new Output(new StringWriter()), new Output(new StringWriter()), false);

    private CliReaders() {
    }

    /** A file of options. */
    public static void arguments(byte[] bytes, Path folder) throws IOException {
        Arguments.expand(PROGRAM, "train", "@" + Files.write(folder.resolve("options"), bytes));
    }

    /** A file of settings. */
    public static void config(byte[] bytes, Path folder) throws IOException {
        Arguments.expand(PROGRAM, "train", "--config", Files.write(folder.resolve("config.toml"), bytes).toString());
    }

    /** Words that are quoted are the same words again, and show every character that they have. */
    public static void shellWords(String text) {
        List<String> words = ShellWords.split(text);
        String command = ShellWords.command(words);
        if (command.chars().anyMatch(c -> c == '\n' || Visible.hides(c))) {
            throw new IllegalStateException("a hidden character is not quoted");
        }
        boolean plain = words.stream().noneMatch(word -> ShellWords.quote(word).startsWith("$'"));
        if (plain && !ShellWords.split(command).equals(words)) {
            throw new IllegalStateException("the quoted words are others");
        }
    }
}
