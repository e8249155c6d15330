// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import io.eslm.shell.Script;
import io.eslm.shell.ShellEngine;
import io.eslm.tensor.UserError;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.logging.Level;
import java.util.logging.Logger;
import jdk.jshell.tool.JavaShellToolBuilder;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;

/** Java line by line, with the library imported. */
@Command(name = "shell",
        header = "Runs Java line by line, with the library imported and a small model and a tape at hand.",
        description = {"",
            "Without a script, and on a terminal, this is the JDK's jshell with ESLM's class path and flags. Type help() for what "
                    + "is at hand.",
            "A script runs to its end or to the first snippet that fails: the message names file and line, and the exit code is 1. "
                    + "It shows only what it prints. It may begin with a line #!…",
            ""},
        footer = {"", "Examples:", "  eslm shell", "  eslm shell experiment.jsh",
            "  echo 'IO.println(tensor(1, 2, 3))' | eslm shell"})
final class ShellCommand extends EslmCommand {
    @Parameters(arity = "0..1", paramLabel = "SCRIPT", description = "a file of Java snippets; - is the standard input")
    private Path script;

    @Override
    protected void declare(CommandSpec command) {
        // no options
    }

    @Override
    protected int run(Terminal screen) {
        Script.needJshell();
        return script == null && screen.terminal() ? interact(screen) : runScript();
    }

    private int runScript() {
        Path file = script == null ? Path.of(Texts.STDIN) : script;
        String code = Texts.read(file);
        boolean hasShebang = code.startsWith("#!");
        try (Script shell = new Script()) {
            shell.run(file.toString().equals(Texts.STDIN) ? "standard input" : file.toString(),
                    hasShebang ? "//" + code : code, 0, _ -> {});
        }
        return 0;
    }

    /** The JDK's own shell: its line editor, completion, history and commands. */
    private static int interact(Terminal screen) {
        // It would say that it has created the user's preferences, where it keeps the history.
        Logger preferences = Logger.getLogger("java.util.prefs");
        preferences.setLevel(Level.WARNING);
        Path startup = null;
        try {
            startup = Files.createTempFile("eslm-shell", ".jsh");
            screen.note("ESLM on Java " + Runtime.version().feature() + ". help() says what is at hand, /exit leaves.");
            return JavaShellToolBuilder.builder().interactiveTerminal(true).start(arguments(startup));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (UserError e) {
            throw e;
        } catch (Exception e) {
            throw new IllegalStateException("the JDK's shell failed: " + e.getMessage(), e);
        } finally {
            delete(startup);
        }
    }

    /** Writes {@code startup}, and returns the arguments of the JDK's shell that read it. */
    static String[] arguments(Path startup) throws IOException {
        Files.writeString(startup, Script.feedback() + Script.imports());
        List<String> arguments =
                new ArrayList<>(List.of("--startup", startup.toString(), "--feedback", ShellEngine.NAME,
                        "--execution", ShellEngine.NAME, "--class-path", Script.classPath()));
        Script.COMPILER_OPTIONS.forEach(option -> arguments.add("-C" + option));
        return arguments.toArray(String[]::new);
    }

    private static void delete(Path file) {
        try {
            if (file != null) {
                Files.deleteIfExists(file);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
