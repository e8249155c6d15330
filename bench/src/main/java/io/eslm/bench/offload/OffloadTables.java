// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench.offload;

import io.eslm.bench.offload.Measurement.Timed;
import io.eslm.bench.offload.StepView.Gain;
import io.eslm.bench.offload.StepView.Move;
import io.eslm.bench.offload.StepView.OnEngine;
import io.eslm.bench.offload.StepView.Part;
import io.eslm.report.Table;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/** The tables of a measurement, for a terminal and for the page. */
final class OffloadTables {
    /** Kernels below this part of a step are left out, and so are those behind them. */
    private static final double LEAST_SHARE = 0.005;

    private OffloadTables() {
    }

    static Table engines(List<Timed> engines) {
        Table table = new Table("Engines and what they reach at most", "engine", "GFLOP/s", "by", "memory GB/s",
                "operands");
        for (Timed e : engines) {
            table.add(List.of(e.name() + ": " + e.description(), Shown.digits(e.roof().flops() * 1e-9),
                    e.roof().origin(),
                    Shown.digits(e.roof().bandwidth() * 1e-9), e.onHost() ? "Java's arrays" : "its own memory"));
        }
        return table;
    }

    /** The largest error of each kernel on each engine, over all sizes. */
    static Table agreement(List<Agreement> all) {
        List<String> engines = all.stream().map(Agreement::engine).distinct().toList();
        Table table = new Table("Agreement: the largest error, as a share of what rounding allows; at most 1 is right",
                Stream.concat(Stream.of("kernel", "sizes", "by the definition"), engines.stream())
                        .toArray(String[]::new));
        for (String kernel : all.stream().map(Agreement::kernel).distinct().toList()) {
            List<Agreement> of = all.stream().filter(a -> a.kernel().equals(kernel)).toList();
            int smallest = of.stream().mapToInt(Agreement::side).min().orElseThrow();
            List<String> row = new ArrayList<>(List.of(kernel, smallest + "…" + largest(of.stream()), "…"
                    + largest(of.stream().filter(a -> a.reference().equals(Agreement.DEFINITION)))));
            for (String engine : engines) {
                double worst = of.stream().filter(a -> a.engine().equals(engine)).mapToDouble(Agreement::error).max()
                        .orElse(Double.NaN);
                row.add(Double.isNaN(worst) ? "–" : worst > 1 ? "WRONG" : String.format(Locale.ROOT, "%.3f", worst));
            }
            table.add(row);
        }
        return table;
    }

    private static int largest(Stream<Agreement> all) {
        return all.mapToInt(Agreement::side).max().orElse(0);
    }

    /** Every figure of {@code cells}. */
    static Table figures(String title, Measurement m, List<Cell> cells) {
        Table table = new Table(title, "kernel", "size", "engine", "time", "fastest", "with copies", "GFLOP/s", "GB/s",
                "of roof",
                "limit", "allocated", "energy", "first call");
        for (Cell c : cells) {
            Timed engine = m.engine(c.engine());
            table.add(List.of(c.kernel(), c.side() + "×" + c.side(), c.engine(), Shown.time(c.seconds()),
                    Shown.time(c.seconds().least()),
                    engine.onHost() ? "the same" : Shown.time(c.copied()),
                    c.operations() == 0 ? "–" : Shown.digits(c.gflops()),
                    Shown.digits(c.gigabytesPerSecond()), Shown.percent(m.share(c)),
                    engine.roof().bound(c.operations(), c.bytes()).name().toLowerCase(Locale.ROOT),
                    Shown.bytes(c.allocated()), Shown.energy(c.joules()), Shown.time(c.first())));
        }
        return table;
    }

    /** The cells of each kernel and engine at the largest size they have, and their first calls. */
    static List<Cell> largest(Measurement m) {
        List<Cell> all = new ArrayList<>();
        for (String kernel : m.kernels()) {
            for (Timed e : m.engines()) {
                List<Cell> of = m.cells().stream()
                        .filter(c -> c.kernel().equals(kernel) && c.engine().equals(e.name())).toList();
                if (!of.isEmpty()) {
                    Cell last = of.getLast();
                    all.add(new Cell(last.kernel(), last.side(), last.engine(), last.seconds(), last.copied(),
                            of.getFirst().first(), last.operations(), last.bytes(), last.allocated(), last.joules()));
                }
            }
        }
        return all;
    }

    /** @param all whether those count where one engine is ahead at all sizes, or its lead is not sure */
    static Table crossovers(Measurement m, boolean all) {
        Table table = new Table("Crossovers: the size n from which one engine stays ahead, for n rows of n",
                "kernel", "ahead", "of", "from n", "crossings");
        m.crossovers().stream().filter(c -> all || !c.isAlways() && !c.isUnsure())
                .forEach(c -> table.add(List.of(c.kernel(),
                        c.fast(), c.slow(), Shown.from(c), String.valueOf(c.crossings()))));
        return table;
    }

    // ---- the step

    static List<Table> step(StepView view) {
        String model = String.format(Locale.ROOT, "%s, %d window%s of %d tokens", view.model(), view.batch(),
                view.batch() == 1 ? "" : "s", view.tokens());
        List<Table> tables = new ArrayList<>();
        Table whole = new Table("A training step: " + model, Stream.concat(Stream.of("part of the step"),
                view.runs().stream().map(OnEngine::engine)).toArray(String[]::new));
        for (String kernel : view.runs().stream().flatMap(r -> r.kernels().stream())
                .map(Part::kernel).distinct().toList()) {
            if (view.runs().stream().anyMatch(r -> r.secondsOf(kernel) >= LEAST_SHARE * r.seconds())) {
                whole.add(row(kernel, view.runs(), r -> part(r.secondsOf(kernel), r)));
            }
        }
        whole.add(row("outside kernels", view.runs(), r -> part(r.outside(), r)));
        whole.add(row("whole step", view.runs(), r -> Shown.time(r.seconds())));
        tables.add(whole);
        view.moves().forEach(move -> tables.add(move(move)));
        return tables;
    }

    private interface Of {
        String run(OnEngine run);
    }

    private static List<String> row(String name, List<OnEngine> runs, Of of) {
        return Stream.concat(Stream.of(name), runs.stream().map(of::run)).toList();
    }

    private static String part(double seconds, OnEngine run) {
        return Shown.time(seconds) + ", " + Shown.percent(seconds / run.seconds());
    }

    private static Table move(Move move) {
        Table table = new Table("What moving a kernel from " + move.from() + " to " + move.to() + " would gain",
                "kernel", "share of the step", "kernel gets faster", "step gets faster");
        for (Gain g : move.each()) {
            if (g.share() >= LEAST_SHARE) {
                table.add(List.of(g.kernel(), Shown.percent(g.share()), Shown.factor(g.factor()),
                        Shown.factor(g.step())));
            }
        }
        table.add(List.of("all, foretold", "", "", Shown.factor(move.all())));
        table.add(List.of("all, measured", "", "", Shown.factor(move.measured())));
        return table;
    }

    // ---- an earlier measurement

    static Table against(Against a, boolean faster) {
        Table table = new Table(faster ? "Faster than before" : "Slower than before", "kernel", "size", "engine",
                "time now / before", "at least", "at most");
        a.changes().stream().filter(c -> c.isFaster() == faster).forEach(c -> table.add(List.of(c.kernel(),
                c.side() + "×" + c.side(), c.engine(), Shown.digits(c.ratio()), Shown.digits(c.low()),
                Shown.digits(c.high()))));
        return table;
    }

    /** What the tables are of, and what they cannot tell. */
    static List<String> notes(Against a) {
        List<String> notes = new ArrayList<>();
        notes.add(String.format(Locale.ROOT, "Against %s: of %d times, %d are faster, %d slower, and %d have intervals "
                + "that overlap.", a.before(), a.compared(),
                a.changes().stream().filter(Against.Change::isFaster).count(),
                a.changes().stream().filter(c -> !c.isFaster()).count(), a.compared() - a.changes().size()));
        if (a.elsewhere()) {
            notes.add("The earlier measurement is from another processor: the change is the machine's, too.");
        }
        if (a.compared() == 0) {
            notes.add("The two share no kernel, size and engine.");
        }
        return notes;
    }
}
