// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import io.eslm.tensor.UserError;
import java.io.Console;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.OutputStreamWriter;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.Predicate;
import picocli.CommandLine.Command;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine;

/** The program. Each command is one class and one line here. */
@Command(name = "eslm",
        header = "Trains GPT-2 with risk-averse token selection (ESLM), on the JVM, without Python.",
        description = "",
        footer = {
            "",
            "First steps:",
            "  eslm train                                   a small model on the JDK's own text, in minutes",
            "  eslm sample --model runs/jdk-cvar-loss-0.1 --prompt \"Returns the\"",
            "  eslm train --data book.txt --method clm      plain language modelling on your own text",
            "  eslm compare --methods cvar-loss:alpha=0.1   how a method compares with clm, and at what cost",
            "  eslm shell                                   Java line by line, with the library imported",
            "  eslm inspect --model runs/jdk-cvar-loss-0.1 --text \"Returns the\" --out page.html",
            "  eslm help train                              all options of a command",
            "  eslm bench --help                            timings of kernels, training steps and generation",
            "",
            "You can write options as in nanoGPT (--max_iters), or read them from a file (@options.txt: words as in a shell,",
            "# begins a comment). Characters that would drive the terminal are shown instead: ␛."})
public final class Main implements Runnable {
    /** Exit code of a run that the user stopped and that was saved, as shells report Ctrl-C. */
    public static final int INTERRUPTED = 130;

    /** Columns of help texts. */
    static final int WIDTH = 100;

    private static final Commands OWN = new Commands(List.of(
            TrainCommand.class,
            ViewCommand.class,
            SampleCommand.class,
            ServeCommand.class,
            CompareCommand.class,
            EvalCommand.class,
            ScoreCommand.class,
            InspectCommand.class,
            DiffCommand.class,
            TokenizeCommand.class,
            DetokenizeCommand.class,
            ExplainCommand.class,
            PrepareCommand.class,
            ConvertCommand.class,
            BackendsCommand.class,
            DoctorCommand.class,
            CompletionCommand.class,
            ShellCommand.class), type -> type);

    @Spec
    private CommandSpec spec;
    private final boolean terminal;

    private final Output out;
    private final Output err;

    private Main(Output out, Output err, boolean terminal) {
        this.out = out;
        this.err = err;
        this.terminal = terminal;
    }

    public static void main(String[] args) {
        Console console = System.console();
        Writer err = stream(FileDescriptor.err);
        Warnings.printTo(new Output(err).shown());
        int code = run(stream(FileDescriptor.out), err,
                console != null && console.isTerminal(), args);
        if (code != 0) {
            System.exit(code);
        }
    }

    private static Writer stream(FileDescriptor descriptor) {
        return new OutputStreamWriter(new FileOutputStream(descriptor), StandardCharsets.UTF_8);
    }

    /**
     * Runs the program in this JVM.
     *
     * @param out the standard output; what it does not take is reported on {@code err}, unless it is a pipe that nobody reads
     * @param terminal true for a progress bar instead of lines
     * @return 0 done, 1 failed (the reason is on {@code err}), 2 not understood, {@value #INTERRUPTED} stopped and saved
     */
    public static int run(Writer out, Writer err, boolean terminal, String... args) {
        return run(out, err, terminal, OWN, args);
    }

    /** {@link #run(Writer, Writer, boolean, String...)} for a program of other commands, each for this call alone. */
    public static int run(Writer out, Writer err, boolean terminal, List<? extends EslmCommand> commands,
            String... args) {
        Map<Class<? extends EslmCommand>, EslmCommand> byType = new LinkedHashMap<>();
        commands.forEach(command -> byType.put(command.getClass(), command));
        return run(out, err, terminal, new Commands(List.copyOf(byType.keySet()), byType::get), args);
    }

    /** Commands, made when they are needed. */
    private record Commands(List<Class<? extends EslmCommand>> types,
            Function<Class<? extends EslmCommand>, Object> make) {
    }

    private static int run(Writer out, Writer err, boolean terminal, Commands commands, String... args) {
        Output results = new Output(out);
        Output messages = new Output(err);
        int code = execute(results, messages, terminal, commands, args);
        results.shown().flush();
        messages.shown().flush();
        if (!results.failed() || results.hasNoReader()) {
            return code;
        }
        messages.shown().println("error: the output is incomplete, because it cannot be written: " + results.reason());
        return code == 0 ? ErrorReport.FAILED : code;
    }

    private static int execute(Output out, Output err, boolean terminal, Commands commands, String... args) {
        try {
            CommandLine program = commandLine(out, err, terminal, commands, command -> mayNeed(command, args));
            err.colors(Color.of(args).wanted(terminal));
            String[] expanded = Arguments.expand(program, args);
            err.colors(Color.of(expanded).wanted(terminal));
            return program.setColorScheme(CommandLine.Help.defaultColorScheme(err.colors() ? Ansi.ON : Ansi.OFF))
                    .execute(expanded);
        } catch (OutOfMemoryError | UserError e) {
            return ErrorReport.report(e, CommandSpec.create(), err, false);
        }
    }

    /** Whether {@code words} may run {@code command}, or want to know its options. */
    private static boolean mayNeed(String command, String... words) {
        return Arrays.stream(words).anyMatch(
                word -> word.equals(command) || word.equals(CompletionCommand.NAME) || word.startsWith("@"));
    }

    /** All commands, which write to {@code out} and {@code err}. */
    static CommandLine commandLine(Output out, Output err, boolean terminal) {
        return commandLine(out, err, terminal, OWN, _ -> true);
    }

    /** The commands of {@code whole} as they are, and of the others, which would take long to make, name and header alone. */
    private static CommandLine commandLine(Output out, Output err, boolean terminal, Commands commands,
            Predicate<String> whole) {
        CommandLine program = new CommandLine(new Main(out, err, terminal));
        StandardOptions.addTo(program);
        for (Class<? extends EslmCommand> type : commands.types) {
            Command about = type.getAnnotation(Command.class);
            if (whole.test(about.name())) {
                CommandLine command = new CommandLine(commands.make.apply(type));
                program.addSubcommand(command);
                command.<EslmCommand>getCommand().declare(command.getCommandSpec());
                StandardOptions.addTo(command);
            } else {
                CommandSpec name = CommandSpec.create().name(about.name());
                name.usageMessage().header(about.header());
                program.addSubcommand(name);
            }
        }
        CommandLine help = new CommandLine(new CommandLine.HelpCommand());
        help.getCommandSpec().usageMessage().header("Shows the help of a command.");
        return Options.arrangeHelp(program.addSubcommand(help))
                .setOut(out.raw()) // help texts are this program's own, and coloured on a terminal
                .setErr(err.shown())
                .setExpandAtFiles(false)
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setOverwrittenOptionsAllowed(true)
                .setUsageHelpAutoWidth(terminal)
                .setUsageHelpWidth(WIDTH)
                .setParameterExceptionHandler((e, _) -> Options.misunderstood(e, err))
                .setExecutionExceptionHandler(
                        (e, command, parsed) -> e instanceof Output.Lost ? 0
                                : ErrorReport.report(e, command.getCommandSpec(), err,
                                        StandardOptions.wantsTrace(parsed)));
    }

    /** Without a command, the program fails. */
    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "name a command");
    }

    /** The output of a command. */
    Terminal screen(boolean quiet) {
        return new Terminal(out, err, terminal, quiet);
    }
}
