// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import io.eslm.run.RunConfig;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Locale;
import java.util.stream.Collectors;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/** Writes the manual page of a command, in the language of man. */
final class ManPage {
    private final StringBuilder text = new StringBuilder();

    private ManPage() {
    }

    /** The page of {@code command}, which may be the program itself. */
    static String of(CommandLine command) {
        CommandSpec spec = command.getCommandSpec();
        ManPage page = new ManPage();
        String name = spec.qualifiedName("-");
        page.line(".TH \"" + name.toUpperCase(Locale.ROOT) + "\" 1 \"\" \"eslm " + RunConfig.version() + "\"");
        page.section("NAME").prose(name + " - " + plain(spec.usageMessage().header()));
        page.section("SYNOPSIS").line(".B " + escaped(spec.qualifiedName()));
        page.prose(spec.subcommands().isEmpty() ? "[OPTION]…" + spec.positionalParameters().stream()
                .map(p -> " " + (p.arity().min() == 0 ? "[" + p.paramLabel() + "]" : p.paramLabel()))
                .collect(Collectors.joining()) : "COMMAND [OPTION]…");
        if (!plain(spec.usageMessage().description()).isBlank()) {
            page.section("DESCRIPTION").prose(plain(spec.usageMessage().description()));
        }
        if (!spec.subcommands().isEmpty()) {
            page.section("COMMANDS");
            spec.subcommands().forEach((word, sub) -> page.entry("\\fB" + escaped(word) + "\\fR",
                    plain(sub.getCommandSpec().usageMessage().header())));
        }
        page.options(spec);
        page.section("NOTES").line(".nf");
        Arrays.stream(spec.usageMessage().footer()).flatMap(lines -> Arrays.stream(lines.split("%n|\n", -1)))
                .forEach(line -> page.prose(line.replace("%%", "%")));
        return page.line(".fi").text.toString();
    }

    private void options(CommandSpec spec) {
        section("OPTIONS");
        spec.positionalParameters().forEach(p -> entry("\\fI" + escaped(p.paramLabel()) + "\\fR",
                plain(p.description()).replace("${COMPLETION-CANDIDATES}", p.completionCandidates() == null ? ""
                        : String.join(", ", p.completionCandidates()))));
        String[] last = {""};
        spec.options().stream().sorted(Comparator.comparing(Options::heading).thenComparingInt(OptionSpec::order))
                .forEach(option -> {
                    String heading = Options.heading(option).replace("%n", "").replaceFirst(":$", "");
                    if (!heading.equals(last[0])) {
                        line(".SS " + escaped(heading));
                        last[0] = heading;
                    }
                    entry(names(option), plain(option.description()));
                });
    }

    private static String names(OptionSpec option) {
        String names = Arrays.stream(option.names()).filter(name -> name.indexOf('_') < 0)
                .map(name -> "\\fB" + escaped(name) + "\\fR").collect(Collectors.joining(", "));
        return option.arity().max() == 0 ? names : names + " \\fI" + escaped(option.paramLabel()) + "\\fR";
    }

    private ManPage section(String title) {
        return line(".SH " + title);
    }

    private void entry(String tag, String body) {
        line(".TP").line(tag).prose(body);
    }

    private ManPage prose(String words) {
        return line(escaped(words));
    }

    private ManPage line(String line) {
        text.append(line).append('\n');
        return this;
    }

    /** Text that man shows as it is: it takes a backslash, a dash, and a dot or quote at the beginning for its own. */
    private static String escaped(String words) {
        String escaped = words.replace("\\", "\\e").replace("-", "\\-");
        return escaped.startsWith(".") || escaped.startsWith("'") ? "\\&" + escaped : escaped;
    }

    /** The lines of a help text as one, without the signs of its formats. */
    static String plain(String... lines) {
        return String.join(" ", lines).replace("%n", " ").replace("%%", "%").replaceAll("\\s+", " ").strip();
    }
}
