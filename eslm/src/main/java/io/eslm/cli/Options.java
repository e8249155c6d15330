// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import io.eslm.tensor.io.DidYouMean;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import picocli.CommandLine.Help;
import picocli.CommandLine.MissingParameterException;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;
import picocli.CommandLine;

/**
 * Names and help of options. Every option has the form {@code --max-iters}, which help shows, and nanoGPT's
 * {@code --max_iters}.
 */
final class Options {
    /** Order of options that follow those of the command: how to print, then those of every command. */
    static final int LATE = 1;
    static final int LAST = 2;
    private static final Predicate<String> SHOWN = name -> name.indexOf('_') < 0;

    private Options() {
    }

    /** The name to show. */
    static String name(OptionSpec option) {
        return Arrays.stream(option.names()).filter(SHOWN).reduce((_, last) -> last).orElseThrow();
    }

    /** Omits the second form from the help of {@code command} and its subcommands, and gives long lists headings. */
    static CommandLine arrangeHelp(CommandLine command) {
        command.setHelpFactory((spec, scheme) -> new Help(spec, scheme) {
            @Override
            public String optionList() {
                StringBuilder text = new StringBuilder();
                spec.options().stream().sorted(Comparator.comparingInt(OptionSpec::order))
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

    /** Options without a heading come first. */
    static String heading(OptionSpec option) {
        return option.userObject() instanceof DeclaredOptions.Heading heading && !heading.text().isEmpty()
                ? "%n%s:%n".formatted(heading.text()) : "";
    }

    private static OptionSpec withOneName(OptionSpec option) {
        return OptionSpec.builder(option).names(Arrays.stream(option.names()).filter(SHOWN).toArray(String[]::new))
                .build();
    }

    /** The words that {@code command} knows. */
    private static List<String> names(CommandLine command) {
        return Stream.concat(
                command.getCommandSpec().options().stream().flatMap(o -> Stream.of(o.names())).filter(SHOWN),
                command.getSubcommands().keySet().stream()).toList();
    }

    /** Reports in one line what was not understood, what may have been meant, and where to read more. */
    static int misunderstood(ParameterException e, Output err) {
        CommandLine command = e.getCommandLine();
        String message = e.getMessage().replaceFirst("^Error: ", "");
        List<String> unknown = e instanceof UnmatchedArgumentException unmatched ? unmatched.getUnmatched()
                : e instanceof MissingParameterException ? command.getUnmatchedArguments() : List.of();
        if (!unknown.isEmpty()) { // an option that is missing may be the one that is misspelt
            String given = unknown.getFirst();
            message = "unknown option or argument: " + given
                    + DidYouMean.among(names(command), given.replaceFirst("=.*", "").replace('_', '-'));
        }
        err.error(message);
        err.shown().println("see: " + command.getCommandSpec().qualifiedName() + " --help");
        return CommandLine.ExitCode.USAGE;
    }
}
