// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import io.eslm.compare.Scaling;
import io.eslm.gpt2.option.Option;
import io.eslm.gpt2.option.OptionError;
import io.eslm.tensor.io.AtomicFiles;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;

/** Fits a scaling law to the runs of several comparisons. */
@Command(name = "scaling",
        header = "Fits how the loss falls with compute, over the runs of several comparisons.",
        description = {"",
            "Takes the finished runs of comparisons of several sizes or lengths on the same text, and fits L = E + A*C^-b for "
                    + "each method: L in bits per byte after the last step, C the FLOPs of the whole run. Shows E and b with "
                    + "95 %% intervals, what share of clm's FLOPs a method needs for its loss, and the loss to expect of a "
                    + "larger run.",
            ""},
        footer = {"", "Example:",
            "  eslm scaling runs/compare-2x64 runs/compare-4x128 runs/compare-6x192 --at 124M@10B --out scaling.html"})
final class ScalingCommand extends EslmCommand {
    private static final Option<String> AT = Option.text("at", "RUN",
            "a run to foretell the loss of: its FLOPs, or PARAMETERS@TOKENS, such as 124M@10B, which counts 6 FLOPs for each "
                    + "parameter and token")
            .defaultsTo("none", _ -> null);
    private static final Option<Path> OUT =
            Option.path("out", "FILE", "also write a page with the curves").defaultsTo("none", _ -> null);
    private static final Pattern RUN = Pattern.compile("([0-9.]+)([KMBT]?)@([0-9.]+)([KMBT]?)");
    private static final Map<String, Double> UNITS = Map.of("", 1.0, "K", 1e3, "M", 1e6, "B", 1e9, "T", 1e12);
    private static final double FLOPS_PER_PARAMETER_AND_TOKEN = 6;

    @Parameters(arity = "1..*", paramLabel = "DIR", description = "folders of comparisons")
    private List<Path> folders;
    @CommandLine.Option(names = "--json", order = Options.LATE,
            description = "print one JSON object instead of a table")
    private boolean json;

    @Override
    protected void declare(CommandSpec command) {
        options.add(command, "", List.of(AT, OUT));
    }

    @Override
    protected int run(Terminal screen) {
        Scaling scaling = Scaling.of(folders, options.find(AT).map(ScalingCommand::flops).orElse(Double.NaN));
        options.find(OUT).ifPresent(file -> AtomicFiles.writeString(file, scaling.page()));
        if (json) {
            screen.result(scaling.json());
        } else {
            scaling.table().text().lines().forEach(screen::result);
            scaling.notes().forEach(screen::result);
        }
        return 0;
    }

    private static double flops(String text) {
        try {
            Matcher run = RUN.matcher(text);
            double flops = run.matches()
                    ? FLOPS_PER_PARAMETER_AND_TOKEN * number(run, 1) * number(run, 3) : Double.parseDouble(text);
            if (flops > 0 && flops < Double.POSITIVE_INFINITY) {
                return flops;
            }
        } catch (NumberFormatException e) {
            // the same sentence as for a number below zero
        }
        throw new OptionError(AT, text, "must be a number of FLOPs above 0, or PARAMETERS@TOKENS, such as 124M@10B");
    }

    private static double number(Matcher run, int group) {
        return Double.parseDouble(run.group(group)) * UNITS.get(run.group(group + 1));
    }
}
