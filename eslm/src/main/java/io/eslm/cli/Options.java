// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import java.util.Arrays;
import java.util.List;
import java.util.function.Predicate;
import picocli.CommandLine;
import picocli.CommandLine.Help;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/**
 * How options are named. Every option has the form {@code --max-iters}, which is shown, and nanoGPT's {@code --max_iters},
 * which is understood too.
 */
final class Options {
    private static final Predicate<String> SHOWN = name -> name.indexOf('_') < 0;

    private Options() {
    }

    /** The name to show. */
    static String name(OptionSpec option) {
        return Arrays.stream(option.names()).filter(SHOWN).reduce((_, last) -> last).orElseThrow();
    }

    /** Leaves the second form out of the help of {@code command} and its subcommands. */
    static CommandLine showOneName(CommandLine command) {
        command.setHelpFactory((spec, scheme) -> new Help(spec, scheme) {
            @Override
            public IOptionRenderer createDefaultOptionRenderer() {
                IOptionRenderer renderer = super.createDefaultOptionRenderer();
                return (option, label, colours) -> renderer.render(OptionSpec.builder(option)
                        .names(Arrays.stream(option.names()).filter(SHOWN).toArray(String[]::new)).build(), label, colours);
            }
        });
        command.getSubcommands().values().forEach(Options::showOneName);
        return command;
    }

    /** Says in one line what was not understood, what may have been meant, and where to read on. */
    static int misunderstood(ParameterException e, String[] arguments) {
        CommandLine command = e.getCommandLine();
        String message = e.getMessage().replaceFirst("^Error: ", "");
        if (e instanceof UnmatchedArgumentException unknown) {
            message = "unknown option or argument: " + unknown.getUnmatched().getFirst();
            List<String> meant = unknown.getSuggestions().stream().filter(SHOWN).toList();
            message += meant.isEmpty() ? "" : "; did you mean " + String.join(" or ", meant) + "?";
        }
        command.getErr().println("error: " + message);
        command.getErr().println("see: " + command.getCommandSpec().qualifiedName() + " --help");
        return CommandLine.ExitCode.USAGE;
    }
}
