// SPDX-License-Identifier: Apache-2.0
package io.eslm.report;

import io.eslm.task.TaskFigures;
import io.eslm.tensor.io.AtomicFiles;
import io.eslm.tensor.io.FileErrors;
import io.eslm.tensor.io.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Stream;
import org.apache.commons.statistics.descriptive.Median;

/** Writes the report of a run as one self-contained HTML file, from the other files in the run's folder. */
public final class HtmlReport {
    public static final String FILE = "report.html";
    /** One held-out window with the scores of its tokens: see {@link ScoreLines}. */
    public static final String WINDOW = "window.json";
    private static final int MOST_SAMPLES = 12;

    private final Path dir;
    private final Json config;
    private final List<Json> steps = new ArrayList<>();
    private final List<Json> evaluations = new ArrayList<>();
    private final List<Json> tasks = new ArrayList<>();
    private final StringBuilder html = new StringBuilder(1 << 16);

    private HtmlReport(Path dir) {
        this.dir = dir;
        this.config = Json.read(dir.resolve(RunLog.CONFIG));
        for (Json line : RunLog.lines(dir)) {
            (RunLog.isStep(line) ? steps : line.object().has("val_loss") ? evaluations : tasks).add(line);
        }
    }

    /** Writes {@value #FILE} into the folder of a run, as a whole or not at all. */
    public static void write(Path dir) {
        HtmlReport report = new HtmlReport(dir);
        report.page();
        AtomicFiles.writeString(dir.resolve(FILE), report.html.toString());
    }

    private void page() {
        String name = dir.toAbsolutePath().normalize().getFileName().toString();
        html.append(Html.head(name + " · ESLM run", name, summary()));
        tiles();
        charts();
        taskTable();
        window();
        samples();
        html.append(Html.settings("Configuration", "Run", config.object()));
        html.append("</main>\n<footer>").append(Html.text(text("program"))).append(", started ")
                .append(Html.text(text("started")))
                .append(". Losses in nats per token. Made from ").append(RunLog.METRICS)
                .append(" and the files next to it.</footer>\n</html>\n");
    }

    private String summary() {
        return String.format(Locale.ROOT, "%s on %s · %,d parameters · step %,d of %,d", text("method"), text("data"),
                config.count("parameters"), steps.isEmpty() ? 0 : steps.getLast().count("step"),
                config.child("options").count("max_iters"));
    }

    private String text(String field) {
        return config.required(field, String.class);
    }

    // ---- tiles

    private void tiles() {
        html.append("<section class=tiles>");
        if (!evaluations.isEmpty()) {
            Json first = evaluations.getFirst();
            Json last = evaluations.getLast();
            tile("Validation loss", format("%.3f", last.number("val_loss")),
                    evaluations.size() < 2 ? "" : format("from %.3f", first.number("val_loss")));
            tile("Perplexity", format("%,.1f", last.number("val_perplexity")), "");
            if (last.has(RunLog.BITS_PER_BYTE)) {
                tile("Bits per byte", format("%.3f", last.number(RunLog.BITS_PER_BYTE)), "");
            }
            Json domains = last.child("domains");
            if (domains.object().size() > 1) {
                String worst = last.required("worst_domain", String.class);
                tile("Worst domain", format("%.3f", domains.number(worst)), worst);
            }
        }
        if (!steps.isEmpty()) {
            Json last = steps.getLast();
            tile("Training loss", format("%.3f", last.number("loss")),
                    format("%.3f over the kept tokens", last.number("kept_loss")));
            tile("Tokens", format("%,.0f", last.number("tokens")), format("%.1f %% of a step kept",
                    100 * last.number("kept_fraction")));
            double mfu = median("mfu");
            tile("Tokens / s", format("%,.0f", median("tokens_per_s")), Double.isNaN(mfu) ? "median"
                    : format("%.1f %% of the machine's peak", 100 * mfu));
        }
        html.append("</section>\n");
    }

    private void tile(String name, String value, String note) {
        html.append("<div><span>").append(Html.text(name)).append("</span><strong>").append(Html.text(value))
                .append("</strong><small>").append(Html.text(note)).append("</small></div>");
    }

    private double median(String field) {
        return Median.withDefaults().evaluate(
                steps.stream().mapToDouble(s -> s.number(field)).filter(Double::isFinite).toArray());
    }

    // ---- curves

    private void charts() {
        html.append("<section class=charts>");
        Chart.Series all = series("all tokens", "loss");
        html.append(Chart.of("Training loss", "nats", selects() ? List.of(all, series("kept tokens", "kept_loss"))
                : List.of(all)));
        html.append(Chart.of("Validation loss", "nats", validation()));
        html.append(Chart.of("Tasks", "accuracy, zero-shot", accuracies()));
        if (selects()) {
            html.append(Chart.of("Value-at-risk", "nats; tokens below it are dropped", List.of(series("VaR", "var"))));
            html.append(Chart.of("Kept fraction", "of the tokens of a step", List.of(series("kept", "kept_fraction"))));
        }
        html.append(Chart.of("Gradient norm", "before clipping", List.of(series("norm", "grad_norm"))));
        html.append(Chart.of("Learning rate", "", List.of(series("rate", "lr"))));
        html.append(Chart.of("Speed", "tokens / s", List.of(series("tokens / s", "tokens_per_s"))));
        html.append("</section>\n");
    }

    private boolean selects() {
        return steps.stream().anyMatch(s -> s.number("kept_fraction") < 1);
    }

    private Chart.Series series(String name, String field) {
        return new Chart.Series(name, steps.stream().mapToDouble(s -> s.number("step")).toArray(),
                steps.stream().mapToDouble(s -> s.number(field)).toArray());
    }

    private List<Chart.Series> validation() {
        double[] x = evaluations.stream().mapToDouble(e -> e.number("step")).toArray();
        List<Chart.Series> all = new ArrayList<>();
        all.add(new Chart.Series("all", x, evaluations.stream().mapToDouble(e -> e.number("val_loss")).toArray()));
        Set<String> domains = new LinkedHashSet<>();
        evaluations.forEach(e -> domains.addAll(e.child("domains").object().keySet()));
        for (String domain : domains.size() > 1 ? domains : Set.<String>of()) {
            all.add(new Chart.Series(domain, x,
                    evaluations.stream().mapToDouble(e -> e.child("domains").number(domain)).toArray()));
        }
        return all;
    }

    // ---- tasks

    private List<Chart.Series> accuracies() {
        List<TaskFigures> all = tasks.stream().map(TaskFigures::of).toList();
        double[] x = tasks.stream().mapToDouble(line -> line.number("step")).toArray();
        Set<String> names = new LinkedHashSet<>();
        all.forEach(figures -> names.addAll(figures.accuracies().keySet()));
        return names.stream().map(name -> new Chart.Series(name, x, all.stream()
                .mapToDouble(figures -> figures.accuracies().getOrDefault(name, Double.NaN)).toArray())).toList();
    }

    private void taskTable() {
        if (tasks.isEmpty()) {
            return;
        }
        TaskFigures last = TaskFigures.of(tasks.getLast());
        Table table =
                new Table(format("After step %,.0f, with standard errors", tasks.getLast().number("step")), "task",
                        "metric", "value");
        last.tasks().keySet().forEach(task -> last.metrics(task)
                .forEach(metric -> table.add(List.of(task, metric, last.text(task, metric)))));
        html.append("<section><h2>Tasks</h2>").append(table.html()).append("</section>\n");
    }

    // ---- texts

    private void window() {
        if (Files.exists(dir.resolve(WINDOW))) {
            html.append("<section><h2>What the model finds hard</h2>")
                    .append(WindowHtml.of(Json.read(dir.resolve(WINDOW))))
                    .append("</section>\n");
        }
    }

    private void samples() {
        List<Path> files = sampleFiles(dir);
        if (files.isEmpty()) {
            return;
        }
        html.append("<section><h2>Samples</h2>");
        for (int i = 0; i < Math.min(files.size(), MOST_SAMPLES); i++) {
            html.append("<details").append(i == 0 ? " open" : "").append("><summary>step ").append(step(files.get(i)))
                    .append("</summary><pre>").append(Html.text(read(files.get(i)))).append("</pre></details>");
        }
        html.append("</section>\n");
    }

    /** The sample texts of a run, newest first. */
    static List<Path> sampleFiles(Path dir) {
        Path folder = dir.resolve(RunLog.SAMPLES);
        if (!Files.isDirectory(folder)) {
            return List.of();
        }
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(f -> f.getFileName().toString().matches("step-\\d{1,18}\\.txt"))
                    .sorted(Comparator.comparingLong(HtmlReport::step).reversed()).toList();
        } catch (IOException e) {
            throw FileErrors.failed("read", folder, e);
        }
    }

    /** The step of a sample text. */
    static long step(Path sample) {
        return Long.parseLong(sample.getFileName().toString().replaceAll("\\D", ""));
    }

    static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw FileErrors.failed("read", file, e);
        }
    }

    // ---- fields

    private static String format(String format, double value) {
        return Double.isNaN(value) ? "–" : String.format(Locale.ROOT, format, value);
    }
}
