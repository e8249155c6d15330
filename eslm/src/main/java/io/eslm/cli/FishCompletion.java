// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;

/** Writes the completion of the fish shell: a line for each command and each option. */
final class FishCompletion {
    /** What stands for files in help texts. */
    private static final Set<String> FILES = Set.of("FILE", "DIR", "PATH", "RUN", "MODEL", "SCRIPT", "WHERE");

    private FishCompletion() {
    }

    static List<String> lines(CommandLine program) {
        String begin = "complete -c " + program.getCommandName();
        List<String> lines = new ArrayList<>(List.of(begin + " -f"));
        program.getSubcommands().forEach((name, command) -> {
            lines.add(begin + " -n __fish_use_subcommand -a " + name + " -d "
                    + quoted(ManPage.plain(command.getCommandSpec().usageMessage().header())));
            String inside = begin + " -n '__fish_seen_subcommand_from " + name + "'";
            command.getCommandSpec().options().forEach(option -> lines.add(inside + names(option)
                    + " -d " + quoted(ManPage.plain(option.description()))));
            command.getCommandSpec().positionalParameters().stream().filter(p -> FILES.contains(p.paramLabel()))
                    .forEach(_ -> lines.add(inside + " -F"));
            command.getCommandSpec().positionalParameters().stream().filter(p -> p.completionCandidates() != null)
                    .forEach(p -> lines.add(inside + " -a " + quoted(words(p.completionCandidates()))));
        });
        return lines;
    }

    private static String names(OptionSpec option) {
        String names = Arrays.stream(option.names()).filter(name -> name.indexOf('_') < 0)
                .map(name -> name.startsWith("--") ? " -l " + name.substring(2) : " -s " + name.substring(1))
                .collect(Collectors.joining());
        if (option.arity().min() == 0) {
            return names;
        }
        return names + (option.completionCandidates() != null ? " -x -a " + quoted(words(option.completionCandidates()))
                : FILES.contains(option.paramLabel()) ? " -r -F" : " -x");
    }

    private static String words(Iterable<String> candidates) {
        return String.join(" ", candidates);
    }

    private static String quoted(String text) {
        return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'";
    }
}
