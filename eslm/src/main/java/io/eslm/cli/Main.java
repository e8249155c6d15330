// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import java.io.Console;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine;

/** The program. A command is a class of its own and one line here. */
@Command(name = "eslm", subcommands = {
    TrainCommand.class,
    SampleCommand.class,
    CompareCommand.class,
    EvalCommand.class,
    ScoreCommand.class,
    PrepareCommand.class,
    BackendsCommand.class}, header = "Trains GPT-2 with risk-averse token selection (ESLM), on the JVM alone.",
        footer = {
            "",
            "First steps:",
            "  eslm train                                   a small model on the JDK's own text, in minutes",
            "  eslm sample --model runs/jdk-cvar-loss-0.1 --prompt \"Returns the\"",
            "  eslm train --data book.txt --method clm      plain language modelling on a text of yours",
            "  eslm compare --methods cvar-loss:alpha=0.1   what a method reaches beside clm, and at what cost",
            "  eslm help train                              all options of a command",
            "  eslm bench --help                            timings of kernels, training steps and generation",
            "",
            "Options may also be written as in nanoGPT (--max_iters), and come from a file: eslm train @options.txt"})
public final class Main implements Runnable {
    /** Stopped by the user after everything was saved; as shells report it. */
    public static final int INTERRUPTED = 130;

    @Spec
    private CommandSpec spec;
    private final boolean terminal;

    private Main(boolean terminal) {
        this.terminal = terminal;
    }

    public static void main(String[] args) {
        Console console = System.console();
        int code = run(new PrintWriter(System.out, true, StandardCharsets.UTF_8),
                new PrintWriter(System.err, true, StandardCharsets.UTF_8), console != null && console.isTerminal(),
                args);
        if (code != 0) {
            System.exit(code);
        }
    }

    /**
     * Runs the program within this JVM.
     *
     * @param terminal whether a person watches: a progress bar instead of lines
     * @return 0 done, 1 failed (the reason is on {@code err}), 2 not understood, {@value #INTERRUPTED} stopped and saved
     */
    public static int run(PrintWriter out, PrintWriter err, boolean terminal, String... args) {
        try {
            return commandLine(out, err, terminal).execute(args);
        } catch (OutOfMemoryError e) {
            return ErrorReport.report(e, err, false);
        }
    }

    /** All commands, wired to where they write. */
    static CommandLine commandLine(PrintWriter out, PrintWriter err, boolean terminal) {
        CommandLine program = new CommandLine(new Main(terminal));
        StandardOptions.addTo(program);
        program.getSubcommands().values().forEach(StandardOptions::addTo);
        return Options.arrangeHelp(program.addSubcommand(new CommandLine.HelpCommand()))
                .setOut(out)
                .setErr(err)
                .setOverwrittenOptionsAllowed(true)
                .setUsageHelpAutoWidth(terminal)
                .setUsageHelpWidth(100)
                .setParameterExceptionHandler(Options::misunderstood)
                .setExecutionExceptionHandler(
                        (e, _, parsed) -> ErrorReport.report(e, err, StandardOptions.wantsTrace(parsed)));
    }

    /** Without a command: help, as an error. */
    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "name a command");
    }

    /** What a command shows of its progress; ends with the command. */
    Terminal screen(CommandLine command) {
        return new Terminal(command.getOut(), command.getErr(), terminal);
    }
}
