// SPDX-License-Identifier: Apache-2.0
package io.eslm.compare;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.eslm.report.Chart;
import io.eslm.report.Html;
import io.eslm.report.Table;
import io.eslm.tensor.Rng;
import io.eslm.tensor.UserError;
import io.eslm.tensor.io.Json;
import io.eslm.web.Page;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;

/**
 * How the loss of each method falls with the compute of whole runs: a {@link ScalingLaw} over the finished runs of several
 * comparisons, such as of several sizes, with 95 % intervals by bootstrap. Losses are in bits per byte of text, so that
 * vocabularies may differ; the held-out text may not.
 */
public final class Scaling {
    private static final int DRAWS = 1000;
    private static final double TAIL = 0.025;
    private static final int CURVE = 60;

    /** The runs of one method in one comparison, which differ by their seeds alone. */
    private record Cell(double flops, double[] loss) {
    }

    /**
     * A figure with its 95 % interval.
     *
     * @param value of the fit to all runs
     */
    private record Estimate(double value, double low, double high) {
        String text(String format) {
            return String.format(Locale.ROOT, format + " [" + format + ", " + format + "]", value, low, high);
        }

        JsonObject json() {
            JsonObject o = new JsonObject();
            o.add("value", Json.number(value));
            o.add("low", Json.number(low));
            o.add("high", Json.number(high));
            return o;
        }
    }

    /** One method: its runs, its law, and the laws of the runs drawn anew. */
    private record Fitted(String method, List<Cell> cells, ScalingLaw law, List<ScalingLaw> draws) {
        Estimate estimate(ToDoubleFunction<ScalingLaw> figure) {
            double[] sorted = draws.stream().mapToDouble(figure).sorted().toArray();
            int cut = (int) (TAIL * sorted.length);
            return new Estimate(figure.applyAsDouble(law), sorted[cut], sorted[sorted.length - 1 - cut]);
        }

        double[] flops() {
            return cells.stream().flatMapToDouble(c -> Arrays.stream(c.loss).map(_ -> c.flops)).toArray();
        }

        double[] losses() {
            return cells.stream().flatMapToDouble(c -> Arrays.stream(c.loss)).toArray();
        }

        double most() {
            return cells.stream().mapToDouble(Cell::flops).max().orElseThrow();
        }

        double least() {
            return cells.stream().mapToDouble(Cell::flops).min().orElseThrow();
        }
    }

    private final List<Fitted> fitted = new ArrayList<>();
    /** FLOPs to foretell the loss at; NaN for none. */
    private final double target;

    private Scaling(Map<String, List<Cell>> methods, double target) {
        this.target = target;
        methods.forEach((method, cells) -> {
            try {
                fitted.add(fit(method, cells));
            } catch (UserError e) {
                throw new UserError(method + ": " + e.getMessage());
            }
        });
    }

    /**
     * Reads the comparisons in {@code folders}. Runs of a method with other steps or other training values count to the same
     * method.
     *
     * @param target FLOPs to foretell the loss at; NaN for none
     * @throws UserError if they are not of one text, if a run has no bits per byte, or if a method has too few costs
     */
    public static Scaling of(List<Path> folders, double target) {
        UserError.check(folders.stream().map(f -> f.toAbsolutePath().normalize()).distinct().count() == folders.size(),
                "a folder is given twice; give each once");
        Map<String, List<Cell>> methods = new LinkedHashMap<>();
        String text = null;
        for (Path folder : folders) {
            Comparison comparison = Comparison.read(folder);
            String own = comparison.settings().required("data", String.class) + ", half "
                    + comparison.settings().required("split", String.class);
            UserError.check(text == null || text.equals(own), "%s is of %s, but %s is of %s: compare runs on one text",
                    folders.getFirst(), text, folder, own);
            text = own;
            for (ComparedMethod m : comparison.methods()) {
                double[] loss = m.runs().stream().mapToDouble(ComparedRun::bitsPerByte).toArray();
                UserError.check(Arrays.stream(loss).allMatch(l -> l > 0),
                        "%s: a run of %s has no bits per byte, because the tokenizer of its data is not known", folder,
                        m.name());
                methods.computeIfAbsent(ComparisonEntry.parse(m.name()).method().toString(), _ -> new ArrayList<>())
                        .add(new Cell(m.meanFlops().total(), loss));
            }
        }
        return new Scaling(methods, target);
    }

    /** The law of {@code cells}, and of {@value #DRAWS} samples: in each cell, as many runs as it has, drawn with replacement. */
    private static Fitted fit(String method, List<Cell> cells) {
        Fitted all = new Fitted(method, cells, null, List.of());
        ScalingLaw law = ScalingLaw.fit(all.flops(), all.losses());
        Rng rng = Rng.of(0).split(method);
        List<ScalingLaw> draws = new ArrayList<>();
        for (int d = 0; d < DRAWS; d++) {
            double[] drawn = cells.stream().flatMapToDouble(c -> IntStream.range(0, c.loss.length)
                    .mapToDouble(_ -> c.loss[rng.nextInt(c.loss.length)])).toArray();
            draws.add(ScalingLaw.fit(all.flops(), drawn));
        }
        return new Fitted(method, cells, law, draws);
    }

    /** The laws, and what a method costs beside {@value Comparison#BASE} at the largest cost that both have. */
    public Table table() {
        List<String> heading = new ArrayList<>(List.of("method", "runs", "costs", "E", "b", "error",
                "FLOPs for " + Comparison.BASE + "'s loss"));
        if (!Double.isNaN(target)) {
            heading.add(String.format(Locale.ROOT, "bits/byte at %.3g FLOP", target));
        }
        Table table =
                new Table("L = E + A·C^−b, in bits per byte, with 95 % intervals", heading.toArray(String[]::new));
        for (Fitted f : fitted) {
            List<String> row = new ArrayList<>(List.of(f.method, String.valueOf(f.losses().length),
                    String.valueOf(f.cells.size()), f.estimate(ScalingLaw::e).text("%.3f"),
                    f.estimate(ScalingLaw::b).text("%.3f"),
                    String.format(Locale.ROOT, "%.2f %%", 100 * f.law.error(f.flops(), f.losses())),
                    toBase(f).map(e -> e.text("%.3f")).orElse("–")));
            if (!Double.isNaN(target)) {
                row.add(f.estimate(law -> law.at(target)).text("%.3f"));
            }
            table.add(row);
        }
        return table;
    }

    private Optional<Estimate> toBase(Fitted f) {
        return fitted.stream().filter(b -> b.method.equals(Comparison.BASE) && b != f).findFirst()
                .map(base -> toBase(f, base));
    }

    /** FLOPs at which {@code f} has the base method's loss at a cost, over that cost; draws are paired at random. */
    private static Estimate toBase(Fitted f, Fitted base) {
        double cost = Math.min(base.most(), base.law.costOf(f.law.at(f.most())));
        double[] sorted = IntStream.range(0, DRAWS)
                .mapToDouble(d -> f.draws.get(d).costOf(base.draws.get(d).at(cost)) / cost).sorted().toArray();
        int cut = (int) (TAIL * DRAWS);
        return new Estimate(f.law.costOf(base.law.at(cost)) / cost, sorted[cut], sorted[DRAWS - 1 - cut]);
    }

    /** What a reader must know of the table. */
    public List<String> notes() {
        List<String> notes = new ArrayList<>();
        notes.add("C is the FLOPs of a whole run as the kernels count them, 2 for each multiply-add. Intervals: "
                + DRAWS
                + " fits, in each of which the runs of a cost are drawn with replacement; they hold the noise of the seeds, not a "
                + "wrong form of the law.");
        if (fitted.stream().anyMatch(f -> f.cells.stream().anyMatch(c -> c.loss.length < 2))) {
            notes.add("Some costs have one run alone: its noise is in no interval. Give each at least 3 seeds.");
        }
        fitted.stream().filter(f -> target > 10 * f.most()).findFirst().ifPresent(f -> notes.add(String.format(
                Locale.ROOT, "%.3g FLOP is %,.0f times the largest run: take that figure as a guess.", target,
                target / f.most())));
        return notes;
    }

    /** All figures. */
    public JsonObject json() {
        JsonArray methods = new JsonArray();
        for (Fitted f : fitted) {
            JsonObject o = new JsonObject();
            o.addProperty("method", f.method);
            o.add("e", f.estimate(ScalingLaw::e).json());
            o.add("log_a", f.estimate(ScalingLaw::logA).json());
            o.add("b", f.estimate(ScalingLaw::b).json());
            o.add("error", Json.number(f.law.error(f.flops(), f.losses())));
            toBase(f).ifPresent(e -> o.add("flops_to_base", e.json()));
            if (!Double.isNaN(target)) {
                o.add("bits_per_byte_at_target", f.estimate(law -> law.at(target)).json());
            }
            JsonArray runs = new JsonArray();
            for (Cell cell : f.cells) {
                for (double loss : cell.loss) {
                    JsonObject run = new JsonObject();
                    run.addProperty("flops", cell.flops);
                    run.addProperty("bits_per_byte", loss);
                    runs.add(run);
                }
            }
            o.add("runs", runs);
            methods.add(o);
        }
        JsonObject all = new JsonObject();
        all.add("target_flops", Json.number(target));
        all.add("methods", methods);
        return all;
    }

    /** A page with the runs, the laws and the table. */
    public String page() {
        StringBuilder html =
                new StringBuilder("<header><h1>Loss and compute</h1></header>\n<main>\n<section class=charts>");
        html.append(Chart.of("Loss of whole runs, and the law", "bits per byte, against log₁₀ FLOP",
                new Chart.Axis("log₁₀ FLOP", false), fitted.stream().flatMap(f -> List.of(runs(f), curve(f)).stream())
                        .toList()));
        html.append("</section>\n<section>").append(table().html());
        notes().forEach(note -> html.append("<p class=note>").append(Html.text(note)).append("</p>"));
        html.append("</section>\n</main>\n");
        return Page.of("ESLM: loss and compute", html.toString(), new JsonObject(),
                List.of("/io/eslm/report/report.css"), List.of()).html();
    }

    /** Each cost's mean loss, as points. */
    private static Chart.Series runs(Fitted f) {
        List<Cell> sorted = f.cells.stream().sorted((a, b) -> Double.compare(a.flops, b.flops)).toList();
        double[] x = new double[2 * sorted.size()];
        double[] y = new double[x.length];
        for (int i = 0; i < sorted.size(); i++) {
            x[2 * i] = Math.log10(sorted.get(i).flops);
            x[2 * i + 1] = x[2 * i];
            y[2 * i] = Arrays.stream(sorted.get(i).loss).average().orElseThrow();
            y[2 * i + 1] = Double.NaN; // no line to the next
        }
        return new Chart.Series(f.method + ", runs", x, y);
    }

    private Chart.Series curve(Fitted f) {
        double from = Math.log10(f.least());
        double to = Math.log10(target > f.most() ? target : f.most());
        double[] x = IntStream.rangeClosed(0, CURVE).mapToDouble(i -> from + (to - from) * i / CURVE).toArray();
        return new Chart.Series(f.method + ", law", x, Arrays.stream(x).map(c -> f.law.at(Math.pow(10, c))).toArray());
    }
}
