// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import io.eslm.select.MethodSetting;
import java.lang.reflect.Field;
import java.util.Arrays;
import java.util.List;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import picocli.CommandLine.Help;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;
import picocli.CommandLine;

/**
 * How options are named. Every option has the form {@code --max-iters}, which is shown, and nanoGPT's {@code --max_iters},
 * which is understood too.
 */
final class Options {
    private static final Predicate<String> SHOWN = name -> name.indexOf('_') < 0;

    private static final String METHOD = "%nMethod:%n".formatted();

    private Options() {
    }

    /** The name to show. */
    static String name(OptionSpec option) {
        return Arrays.stream(option.names()).filter(SHOWN).reduce((_, last) -> last).orElseThrow();
    }

    /** Leaves the second form out of the help of {@code command} and its subcommands, and gives long lists headings. */
    static CommandLine arrangeHelp(CommandLine command) {
        command.setHelpFactory((spec, scheme) -> new Help(spec, scheme) {
            @Override
            public String optionList() {
                StringBuilder text = new StringBuilder();
                spec.options().stream()
                        .collect(Collectors.groupingBy(Options::heading, TreeMap::new, Collectors.toList()))
                        .forEach((heading, options) -> text.append(heading)
                                .append(optionListExcludingGroups(
                                        options.stream().map(Options::withOneName).toList())));
                return text.toString();
            }
        });
        command.getSubcommands().values().forEach(Options::arrangeHelp);
        return command;
    }

    /** Empty for most options, which come first. */
    private static String heading(OptionSpec option) {
        if (option.userObject() instanceof MethodSetting) {
            return METHOD;
        }
        Class<?> where = option.userObject() instanceof Field field ? field.getDeclaringClass() : null;
        return where == MethodOptions.class ? METHOD
                : where == ModelOptions.class ? "%nModel:%n".formatted()
                : where == StepOptions.class ? "%nTraining:%n".formatted()
                : "";
    }

    private static OptionSpec withOneName(OptionSpec option) {
        return OptionSpec.builder(option).names(Arrays.stream(option.names()).filter(SHOWN).toArray(String[]::new))
                .build();
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
