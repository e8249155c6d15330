// SPDX-License-Identifier: Apache-2.0
package io.eslm.compare;

import static io.eslm.compare.Comparison.BASE;

import io.eslm.gpt2.train.Flops;
import io.eslm.report.Table;
import io.eslm.tensor.io.Json;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;

/** The tables of a {@link Comparison}, for a terminal and for a page, and the notes on them. */
final class ComparisonTables {
    /** With fewer seeds, a note warns of the intervals. */
    static final int ENOUGH_SEEDS = 5;

    private final Comparison comparison;
    private final List<ComparedMethod> methods;

    ComparisonTables(Comparison comparison) {
        this.comparison = comparison;
        methods = comparison.methods();
    }

    List<Table> all() {
        List<Table> all =
                new ArrayList<>(comparison.mixed() ? List.of(bytes()) : List.of(quality(), tails(), domains()));
        if (!taskMetrics().isEmpty()) {
            all.add(tasks());
        }
        all.add(cost());
        return all;
    }

    /** What models of different vocabularies have in common. */
    private Table bytes() {
        Table table = new Table("Held-out data after the last step", "method", "seeds", "bits/byte", "minus " + BASE,
                "p");
        for (ComparedMethod m : methods) {
            List<String> row = new ArrayList<>(List.of(m.label(), String.valueOf(m.runs().size()),
                    m.stats(ComparedRun::bitsPerByte).text("%.4f")));
            row.addAll(minusBase(m, ComparedRun::bitsPerByte, "%+.4f"));
            table.add(row);
        }
        return table;
    }

    private Table quality() {
        Table table = new Table("Held-out data after the last step", "method", "seeds", "bits/byte", "perplexity",
                "loss", "minus " + BASE, "p");
        for (ComparedMethod m : methods) {
            List<String> row = new ArrayList<>(List.of(m.label(), String.valueOf(m.runs().size()),
                    m.stats(ComparedRun::bitsPerByte).text("%.4f"), m.stats(r -> Math.exp(r.loss())).text("%.2f"),
                    m.stats(ComparedRun::loss).text("%.4f")));
            row.addAll(minusBase(m, ComparedRun::loss, "%+.4f"));
            table.add(row);
        }
        return table;
    }

    private Table tails() {
        Table table = new Table("What is hard: the worst domain, and the worst tenth of the tokens", "method",
                "worst domain's perplexity", "its loss minus " + BASE, "p", "CVaR 0.9", "minus " + BASE, "p");
        for (ComparedMethod m : methods) {
            List<String> row = new ArrayList<>(
                    List.of(m.label(), m.stats(r -> Math.exp(r.worstDomain())).text("%.1f")));
            row.addAll(minusBase(m, ComparedRun::worstDomain, "%+.4f"));
            row.add(m.stats(ComparedRun::tail).text("%.3f"));
            row.addAll(minusBase(m, ComparedRun::tail, "%+.3f"));
            table.add(row);
        }
        return table;
    }

    private static List<String> minusBase(ComparedMethod m, ToDoubleFunction<ComparedRun> figure, String format) {
        return m.name().equals(BASE) ? List.of("–", "–")
                : List.of(m.difference(figure).text(format), pValue(m.pValue(figure)));
    }

    private static String pValue(double p) {
        return Double.isNaN(p) ? "–" : p < 0.001 ? "< 0.001" : String.format(Locale.ROOT, "%.3f", p);
    }

    private Table cost() {
        FlopUnit unit = comparison.unit();
        Table table =
                new Table("Training cost: " + unit.name() + " (counted in the kernels) and seconds", "method", "steps",
                        "total",
                        "forward", "backward", "selection", "early exit", "seconds", "FLOPs to " + BASE + "'s loss",
                        "seconds to " + BASE + "'s loss");
        for (ComparedMethod m : methods) {
            Flops mean = m.meanFlops();
            table.add(List.of(m.label(), String.valueOf(m.runs().getFirst().steps()),
                    m.stats(r -> unit.of(r.flops().total())).text(4),
                    unit.text(mean.forward()), unit.text(mean.backward()), unit.text(mean.selection()),
                    unit.text(mean.earlyExit()), m.stats(ComparedRun::seconds).text(4),
                    reached(m, m.flopsToBase()), reached(m, m.secondsToBase())));
        }
        return table;
    }

    /** "0.93 [0.91, 0.95]", with the number of seeds if not all of them reached it. */
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

    // ---- tasks

    /** The metrics of each task that a run was evaluated on. */
    private Map<String, List<String>> taskMetrics() {
        Map<String, List<String>> all = new LinkedHashMap<>();
        methods.stream().flatMap(m -> m.runs().stream()).map(ComparedRun::tasks)
                .forEach(figures -> figures.tasks().keySet().forEach(task -> all.put(task, figures.metrics(task))));
        return all;
    }

    /** The mean accuracy of a run that was evaluated on every task; else NaN. */
    private ToDoubleFunction<ComparedRun> meanAccuracy() {
        Set<String> all = taskMetrics().keySet();
        return run -> run.tasks().tasks().keySet().containsAll(all) ? run.tasks().meanAccuracy() : Double.NaN;
    }

    private Table tasks() {
        List<String> heading = new ArrayList<>(List.of("task"));
        methods.forEach(m -> heading.add(m.label()));
        Table table = new Table("Tasks after the last step, zero-shot", heading.toArray(String[]::new));
        taskMetrics().forEach((task, metrics) -> {
            for (String metric : metrics) {
                ToDoubleFunction<ComparedRun> figure = run -> run.tasks().value(task, metric);
                row(table, task + " " + metric,
                        m -> m.having(figure).stats(figure).text(metric.contains("perplexity") ? "%.2f" : "%.4f"));
            }
        });
        ToDoubleFunction<ComparedRun> mean = meanAccuracy();
        row(table, "mean accuracy", m -> m.having(mean).stats(mean).text("%.4f"));
        row(table, "minus " + BASE, m -> minusBase(m.having(mean), mean, "%+.4f").getFirst());
        row(table, "p", m -> minusBase(m.having(mean), mean, "%+.4f").getLast());
        return table;
    }

    private void row(Table table, String name, Function<ComparedMethod, String> cell) {
        List<String> row = new ArrayList<>(List.of(name));
        methods.forEach(m -> row.add(cell.apply(m)));
        table.add(row);
    }

    List<String> notes() {
        int seeds = methods.stream().filter(m -> !m.name().equals(BASE)).mapToInt(ComparedMethod::paired).max()
                .orElse(0);
        List<String> notes = new ArrayList<>();
        int finished = methods.stream().mapToInt(m -> m.runs().size()).sum();
        Json settings = comparison.settings();
        int wanted = settings.child("methods").object().size() * settings.list("seeds", Long.class).size();
        if (finished < wanted) {
            notes.add(finished + " of " + wanted + " runs are finished, so methods may have different seeds.");
        }
        methods.stream().filter(m -> !m.name().equals(m.label()))
                .forEach(m -> notes.add(m.label() + " is " + m.name() + "."));
        notes.add("Mean ± half of its 95 % interval over the seeds (Student's t; paired, where " + BASE
                + " is subtracted). Losses in " + (comparison.mixed() ? "bits per byte" : "nats per token")
                + ", on the "
                + settings.required("split", String.class) + " half of the held-out data"
                + (comparison.finalEvalIters() == 0 ? ""
                        : ", of which the last evaluation took " + comparison.finalEvalIters()
                                + (comparison.finalEvalIters() == 1 ? " batch" : " batches")
                                + " of windows, spread evenly over it")
                + (comparison.mixed()
                        ? ". The methods have different vocabularies: figures per token, such as perplexity, cannot be "
                                + "compared, and a half is cut at other places of the same text."
                        : "; CVaR 0.9 is the mean loss of the worst tenth of the tokens."));
        notes.add(
                "p: two-sided paired t-test of each figure against " + BASE + " with the same seeds. "
                        + switch (seeds) {
                            case 0, 1 -> "One seed says nothing about chance.";
                            default -> seeds >= ENOUGH_SEEDS ? ""
                                    : "With " + seeds + " seeds, the intervals are wide and unreliable, and only large "
                                            + "differences can show: use at least " + ENOUGH_SEEDS + ".";
                        });
        if (!taskMetrics().isEmpty()) {
            notes.add(
                    "Tasks by the definitions of lm-evaluation-harness. Mean accuracy: of acc_norm where a task has it, else of "
                            + "acc, all tasks alike, over the seeds that were evaluated on all of them.");
        }
        notes.add("\"To " + BASE + "'s loss\" is the cost at which the validation curve first reaches " + BASE
                + "'s final value, divided by " + BASE + "'s total cost with the same seed. It interpolates linearly "
                + "between evaluations. The mean over the seeds that reached it is geometric, with a 95 % interval "
                + "[from, to] by Student's t on the logarithms; it tells nothing of seeds that did not reach it. FLOPs (matrix products and attention) "
                + "and seconds cover training steps without evaluations.");
        List<String> disturbed = methods.stream().flatMap(m -> m.runs().stream().filter(ComparedRun::isDisturbed)
                .map(r -> String.format(Locale.ROOT, "%s seed %d (%.0f %%)", m.label(), r.seed(), 100 * r.otherLoad())))
                .toList();
        if (!disturbed.isEmpty()) {
            notes.add("Do not compare seconds: other programs used the machine during "
                    + String.join(", ", disturbed) + ".");
        }
        return notes;
    }
}
