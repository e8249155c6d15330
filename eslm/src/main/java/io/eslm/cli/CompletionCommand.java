// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import io.eslm.tensor.UserError;
import io.eslm.tensor.io.AtomicFiles;
import io.eslm.tensor.io.FileErrors;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import picocli.AutoComplete;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;

/** Writes what shells and man know of the program. */
@Command(name = CompletionCommand.NAME,
        header = "Prints a script that completes commands and options in your shell, or writes manual pages.",
        description = {"",
            "bash and zsh: source <(eslm completion bash), in ~/.bashrc or ~/.zshrc. fish: eslm completion fish > "
                    + "~/.config/fish/completions/eslm.fish. Manual pages: DIR/man1 gets one for each command; man -M DIR eslm-train "
                    + "shows it.",
            ""},
        footer = {"", "Examples:", "  source <(eslm completion bash)", "  eslm completion man ~/.local/share/man"})
final class CompletionCommand extends EslmCommand {
    static final String NAME = "completion";

    /** What it is for. */
    private enum Kind {
        BASH,
        ZSH,
        FISH,
        MAN;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    @Parameters(index = "0", paramLabel = "SHELL", description = "${COMPLETION-CANDIDATES}")
    private Kind kind;
    @Parameters(index = "1", arity = "0..1", paramLabel = "DIR", description = "of man: the folder that gets man1")
    private Path folder;

    @Override
    protected void declare(CommandSpec command) {
        // no options
    }

    @Override
    protected int run(Terminal screen) {
        if ((kind == Kind.MAN) != (folder != null)) {
            throw new UserError(
                    kind == Kind.MAN ? "completion man: name the folder for the pages: eslm completion man DIR"
                            : "completion " + kind + ": is printed; redirect it where your shell looks for it");
        }
        CommandLine program = spec.root().commandLine();
        switch (kind) {
            case BASH, ZSH ->
                    script(AutoComplete.bash(program.getCommandName(), program)).lines().forEach(screen::result);
            case FISH -> FishCompletion.lines(program).forEach(screen::result);
            case MAN -> pages(program, screen);
        }
        return 0;
    }

    /** Without the second form of each option, which the script would offer beside the first. */
    private static String script(String bash) {
        StringBuilder text = new StringBuilder();
        bash.lines().forEach(line -> text.append(line.stripLeading().matches("local (flag|arg)_opts=.*")
                ? line.replaceAll("'--[^' ]*_[^' ]*' ?", "") : line).append('\n'));
        return text.toString();
    }

    private void pages(CommandLine program, Terminal screen) {
        Path man1 = folder.resolve("man1");
        try {
            Files.createDirectories(man1);
        } catch (IOException e) {
            throw FileErrors.failed("create the folder", man1, e);
        }
        AtomicFiles.writeString(man1.resolve("eslm.1"), ManPage.of(program));
        program.getSubcommands().forEach((name, command) -> AtomicFiles
                .writeString(man1.resolve("eslm-" + name + ".1"), ManPage.of(command)));
        screen.result("wrote " + (1 + program.getSubcommands().size()) + " pages into " + man1);
    }
}
