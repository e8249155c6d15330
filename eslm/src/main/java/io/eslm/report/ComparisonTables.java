// SPDX-License-Identifier: Apache-2.0
package io.eslm.report;

import static io.eslm.report.Comparison.BASE;

import com.google.gson.JsonObject;
import io.eslm.gpt2.train.Flops;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.ToDoubleFunction;

/** The tables of a {@link Comparison}, for a terminal and for a page, and what must be known to read them. */
final class ComparisonTables {
    /** From this many seeds on the test is not called weak. */
    private static final int ENOUGH_SEEDS = 5;
    private final Comparison comparison;
    private final List<ComparedMethod> methods;

    ComparisonTables(Comparison comparison) {
        this.comparison = comparison;
        methods = comparison.methods();
    }

    List<Table> all() {
        return List.of(quality(), tails(), domains(), cost());
    }

    private Table quality() {
        Table table = new Table("Held-out data after the last step", "method", "seeds", "perplexity", "loss",
                "less " + BASE, "p");
        for (ComparedMethod m : methods) {
            List<String> row = new ArrayList<>(List.of(m.label(), String.valueOf(m.runs().size()),
                    m.spread(r -> Math.exp(r.loss())).text("%.2f"), m.spread(ComparedRun::loss).text("%.4f")));
            row.addAll(lessBase(m, ComparedRun::loss, "%+.4f"));
            table.add(row);
        }
        return table;
    }

    private Table tails() {
        Table table = new Table("What is hard: the worst domain, and the worst tenth of the tokens", "method",
                "worst domain's perplexity", "its loss less " + BASE, "p", "CVaR 0.9", "less " + BASE, "p");
        for (ComparedMethod m : methods) {
            List<String> row = new ArrayList<>(
                    List.of(m.label(), m.spread(r -> Math.exp(r.worstDomain())).text("%.1f")));
            row.addAll(lessBase(m, ComparedRun::worstDomain, "%+.4f"));
            row.add(m.spread(ComparedRun::tail).text("%.3f"));
            row.addAll(lessBase(m, ComparedRun::tail, "%+.3f"));
            table.add(row);
        }
        return table;
    }

    private static List<String> lessBase(ComparedMethod m, ToDoubleFunction<ComparedRun> figure, String format) {
        return m.name().equals(BASE) ? List.of("–", "–")
                : List.of(m.difference(figure).text(format), pValue(m.pValue(figure)));
    }

    private static String pValue(double p) {
        return Double.isNaN(p) ? "–" : p < 0.001 ? "< 0.001" : String.format(Locale.ROOT, "%.3f", p);
    }

    private Table cost() {
        FlopUnit unit = comparison.unit();
        Table table = new Table("Training: " + unit.name() + " that the kernels did, and seconds", "method", "steps",
                "in all",
                "forward", "backward", "selection", "early exit", "seconds", "FLOPs to " + BASE + "'s loss",
                "seconds to " + BASE + "'s loss");
        for (ComparedMethod m : methods) {
            Flops mean = m.meanFlops();
            table.add(List.of(m.label(), String.valueOf(m.runs().getFirst().steps()),
                    m.spread(r -> unit.of(r.flops().total())).text(4),
                    unit.text(mean.forward()), unit.text(mean.backward()), unit.text(mean.selection()),
                    unit.text(mean.earlyExit()), m.spread(ComparedRun::seconds).text(4),
                    reached(m, m.flopsToBase()), reached(m, m.secondsToBase())));
        }
        return table;
    }

    /** "0.93 ± 0.02", with the number of seeds where not all of them got there. */
    private static String reached(ComparedMethod method, SampleStats ratio) {
        int of = method.paired();
        return of == 0 || method.name().equals(BASE) ? "–"
                : ratio.n() == 0 ? "not reached"
                : ratio.text("%.3f") + (ratio.n() == of ? "" : " (" + ratio.n() + " of " + of + ")");
    }

    private Table domains() {
        Set<String> names = new LinkedHashSet<>();
        methods.forEach(m -> names.addAll(m.domains()));
        List<String> heading = new ArrayList<>(List.of("method"));
        heading.addAll(names);
        Table table = new Table("Perplexity by domain", heading.toArray(String[]::new));
        for (ComparedMethod m : methods) {
            List<String> row = new ArrayList<>(List.of(m.label()));
            names.forEach(domain -> row.add(m.domainPerplexity(domain).text("%.1f")));
            table.add(row);
        }
        return table;
    }

    List<String> notes() {
        int seeds = methods.stream().filter(m -> !m.name().equals(BASE)).mapToInt(ComparedMethod::paired).max()
                .orElse(0);
        List<String> notes = new ArrayList<>();
        int finished = methods.stream().mapToInt(m -> m.runs().size()).sum();
        JsonObject settings = comparison.settings();
        int wanted = settings.getAsJsonObject("methods").size() * settings.getAsJsonArray("seeds").size();
        if (finished < wanted) {
            notes.add(finished + " of " + wanted + " runs are finished; methods may stand here with different seeds.");
        }
        methods.stream().filter(m -> !m.name().equals(m.label()))
                .forEach(m -> notes.add(m.label() + " is " + m.name() + "."));
        notes.add("Mean ± standard deviation over seeds. Losses in nats per token, on the "
                + settings.get("split").getAsString() + " half of the held-out data; CVaR 0.9 is the mean loss of the "
                + "worst tenth of the tokens.");
        notes.add(
                "p: two-sided paired t-test of the losses against " + BASE
                        + " with the same seeds, of each figure alone. " + switch (seeds) {
                            case 0, 1 -> "One seed tells nothing about chance.";
                            default -> seeds >= ENOUGH_SEEDS ? ""
                                    : "With " + seeds + " seeds only large differences can show.";
                        });
        notes.add("To " + BASE + "'s loss: when the validation curve first is at " + BASE
                + "'s last value or below, as a share of what " + BASE
                + " needed with the same seed; linear between evaluations, over the seeds that got there. "
                + "FLOPs, of the products of matrices and of attention, and seconds are of training steps, evaluations "
                + "apart.");
        List<String> disturbed = methods.stream().flatMap(m -> m.runs().stream().filter(ComparedRun::isDisturbed)
                .map(r -> String.format(Locale.ROOT, "%s seed %d (%.0f %%)", m.label(), r.seed(), 100 * r.otherLoad())))
                .toList();
        if (!disturbed.isEmpty()) {
            notes.add("Do not compare seconds: other programs took a share of the machine beside "
                    + String.join(", ", disturbed) + ".");
        }
        return notes;
    }
}
