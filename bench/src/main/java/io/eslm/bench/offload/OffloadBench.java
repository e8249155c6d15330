// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench.offload;

import io.eslm.bench.offload.Measurement.Timed;
import io.eslm.run.CpuContention;
import io.eslm.run.Provenance;

import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Backends;
import io.eslm.tensor.io.AtomicFiles;
import io.eslm.tensor.io.Json;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Times every kernel on everything that this machine has: plain Java, the Vector API on some and on all threads, a device, a BLAS
 * library. Shows that they agree, how near each comes to its measured peak, and from which size one beats another.
 */
@Command(name = "offload",
        description = "Times kernels on all that computes here: plain Java, Vector API, devices, libraries; crossovers.",
        mixinStandardHelpOptions = true, showDefaultValues = true)
public final class OffloadBench implements Callable<Integer> {
    private static final int MOST = 1 << 28;
    private static final int LEAST = KernelRun.SMALLEST * KernelRun.SMALLEST;
    private static final int QUICK_LARGEST = 64 * 64;
    private static final int QUICK_ROOF = 1 << 18;
    private static final double LONGEST_STEP = 20;
    private static final String STANDARD_OUTPUT = "-";
    private static final String NO_STEP = "none";

    @Option(names = "--only", description = "kernels whose name contains this", defaultValue = "")
    private String only;
    @Option(names = "--largest", description = "elements of the largest operand")
    private int largest = 1 << 20;
    @Option(names = "--threads", description = "most threads; 0: all cores")
    private int threads;
    @Option(names = "--engines", paramLabel = "NAME", split = ",",
            description = "only these, such as 'scalar,vector 2,tornado'; vector is all numbers of its threads")
    private List<String> names = List.of();
    @Option(names = "--step", paramLabel = "MODEL",
            description = "also run a training step of a preset or LAYERSxWIDTH; none: no step")
    private String step = "demo";
    @Option(names = "--tokens", description = "of the window in that step")
    private int tokens = 64;
    @Option(names = "--quick", description = "small sizes and short iterations: tries the program, measures little")
    private boolean quick;
    @Option(names = "--json", paramLabel = "FILE", arity = "0..1", fallbackValue = STANDARD_OUTPUT,
            description = "write all figures there; without a FILE, print them instead of text")
    private String json;
    @Option(names = "--html", paramLabel = "FILE", description = "write a page with curves and tables")
    private Path html;
    @Option(names = "--against", paramLabel = "FILE",
            description = "an earlier file of --json: shows what became faster or slower")
    private Path against;

    private Rules rules;
    private Against.Earlier earlier;
    private final List<Timed> timed = new ArrayList<>();

    @Override
    public Integer call() {
        check();
        rules = quick ? Rules.QUICK : Rules.FULL;
        Nvml nvml = Nvml.here();
        List<Blas> libraries = Blas.here();
        EnergyMeter energy = EnergyMeter.of(nvml);
        List<Engine> engines = Engines.open(threads, libraries, names);
        try (Backend definition = Backends.open("scalar", 1)) {
            double load = ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage();
            Provenance provenance = Provenance.of(mostThreads(engines));
            CpuContention others = new CpuContention();
            text("%s%n%n", provenance.line());
            List<Surroundings.Thing> surroundings = Surroundings.here(nvml, libraries);
            missing(surroundings, energy);
            KernelRun run = new KernelRun(rules, engines, energy, quick ? Math.min(largest, QUICK_LARGEST) : largest);
            List<OffloadCase> cases = OffloadCase.ALL_CASES.stream().filter(c -> c.name().contains(only)).toList();
            cases.forEach(c -> run.compare(c, definition));
            text("%s%n", OffloadTables.agreement(run.agreement()).text());
            roofs(engines);
            text("%s%n", OffloadTables.engines(timed).text());
            int defined = run.agreement().size();
            time(run, cases, engines);
            List<Agreement> later = run.agreement().subList(defined, run.agreement().size());
            text("%d results of larger sizes agree with those of the first engine; %d do not.%n%n",
                    later.stream().filter(Agreement::isRight).count(),
                    later.stream().filter(a -> !a.isRight()).count());
            fastestForUnknownPeaks(run.cells());
            List<String> skipped = new ArrayList<>(run.skipped());
            Measurement kernels =
                    new Measurement(provenance.json(Double.NaN), load, rules, timed, surroundings, energy.description(),
                            run.agreement(), run.cells(), skipped, null);
            StepView view = step.equals(NO_STEP) ? null
                    : StepRun.view(new StepRun(step, tokens, quick ? 1 : 3), engines, kernels, LONGEST_STEP, skipped);
            double share = others.share();
            Measurement all = kernels.with(provenance.json(share), view);
            Against compared = earlier == null ? null : Against.of(all, earlier);
            print(all, compared);
            text("%n%s%n", Provenance.load(share));
            write(all, compared);
            return all.isRight() ? 0 : 1;
        } finally {
            engines.forEach(Engine::close);
        }
    }

    private void check() {
        if (largest < LEAST || largest > MOST) {
            throw new UserError("--largest " + largest + ": must be from " + LEAST + " to " + MOST);
        }
        if (threads < 0) {
            throw new UserError("--threads " + threads + ": must be 0 (all cores) or more");
        }
        if (tokens < 1) {
            throw new UserError("--tokens " + tokens + ": must be at least 1");
        }
        if (OffloadCase.ALL_CASES.stream().noneMatch(c -> c.name().contains(only))) {
            throw new UserError("--only " + only + ": no kernel's name contains this; there are "
                    + String.join(", ", OffloadCase.ALL_CASES.stream().map(OffloadCase::name).toList()));
        }
        earlier = against == null ? null : Against.Earlier.read(against); // before minutes are spent
        for (Path file : Stream.of(json == null || json.equals(STANDARD_OUTPUT) ? null : Path.of(json), html)
                .filter(Objects::nonNull).toList()) {
            if (!Files.isDirectory(file.toAbsolutePath().getParent())) {
                throw new UserError(
                        file + ": cannot be written: there is no folder " + file.toAbsolutePath().getParent());
            }
        }
        if (!step.equals(NO_STEP)) {
            new StepRun(step, tokens, 1);
        }
    }

    /** The backend on the host with the most threads. */
    private static Backend mostThreads(List<Engine> engines) {
        return engines.stream().filter(e -> e.onHost() && e.backend().isPresent())
                .max((a, b) -> Integer.compare(a.threads(), b.threads())).orElseThrow().backend().orElseThrow();
    }

    private void text(String format, Object... arguments) {
        if (!STANDARD_OUTPUT.equals(json)) {
            System.out.printf(Locale.ROOT, format, arguments);
        }
    }

    private void missing(List<Surroundings.Thing> things, EnergyMeter energy) {
        things.stream().filter(Surroundings.Thing::found).forEach(t -> text("found    %-12s %s%n", t.name(), t.what()));
        things.stream().filter(t -> !t.found()).forEach(t -> text("missing  %-12s %s%n", t.name(), t.what()));
        text("energy   %-12s %s%n%n", "", energy.description());
    }

    // ---- measuring

    private void roofs(List<Engine> engines) {
        for (Engine e : engines) {
            Roof roof = e.backend().map(b -> Roof.measure(b, quick ? QUICK_ROOF : Roof.ELEMENTS))
                    .orElseGet(() -> roofOfHost(e));
            timed.add(new Timed(e.name(), e.description(), e.threads(), e.onHost(), roof));
        }
    }

    /** A library runs on the same processor as the Vector API with as many threads. */
    private Roof roofOfHost(Engine library) {
        List<Timed> host = timed.stream().filter(Timed::onHost).toList();
        return host.stream().filter(t -> t.threads() == library.threads())
                .max(Comparator.comparingDouble(t -> t.roof().flops())).or(() -> Optional.of(host.getLast()))
                .map(t -> new Roof(t.roof().flops(), "that of " + t.name(), t.roof().bandwidth())).orElseThrow();
    }

    private void time(KernelRun run, List<OffloadCase> cases, List<Engine> engines) {
        text("Times; * the fastest%n%-20s %11s", "kernel", "size");
        engines.forEach(e -> text(" %12s", e.name()));
        text("%n");
        for (OffloadCase c : cases) {
            for (int side : run.sides()) {
                List<Cell> row = run.time(c, side);
                double best = row.stream().mapToDouble(cell -> cell.seconds().mean()).min().orElse(0);
                text("%-20s %5d×%-5d", c.name(), side, side);
                for (Engine e : engines) {
                    text(" %12s", row.stream().filter(cell -> cell.engine().equals(e.name()))
                            .map(cell -> Shown.time(cell.seconds().mean())
                                    + (cell.seconds().mean() == best ? "*" : " "))
                            .findFirst().orElse("– "));
                }
                text("%n");
            }
        }
        text("%n");
    }

    /** An engine that cannot measure its peak has that of its fastest kernel. */
    private void fastestForUnknownPeaks(List<Cell> cells) {
        timed.replaceAll(t -> new Timed(t.name(), t.description(), t.threads(), t.onHost(),
                t.roof().orFastest(cells.stream().filter(c -> c.engine().equals(t.name()))
                        .mapToDouble(c -> c.gflops() * 1e9).max().orElse(Double.NaN))));
    }

    // ---- results

    private void print(Measurement m, Against compared) {
        text("%s%n", OffloadTables.figures("Each kernel at its largest size; ± half the 99.9 % interval", m,
                OffloadTables.largest(m)).text());
        text("%s%n", OffloadTables.crossovers(m, false).text());
        List<Crossover> crossovers = m.crossovers();
        text("Of %d pairs, one is surely ahead at all sizes in %d; in %d the intervals overlap at the largest size.%n%n",
                crossovers.size(), crossovers.stream().filter(Crossover::isSurelyAlways).count(),
                crossovers.stream().filter(Crossover::isUnsure).count());
        m.skipped().forEach(s -> text("not timed: %s%n", s));
        if (m.step() != null) {
            OffloadTables.step(m.step()).forEach(table -> text("%n%s", table.text()));
        }
        if (compared != null) {
            OffloadTables.notes(compared).forEach(note -> text("%n%s%n", note));
            text("%n%s%n%s", OffloadTables.against(compared, true).text(),
                    OffloadTables.against(compared, false).text());
        }
    }

    private void write(Measurement m, Against compared) {
        if (STANDARD_OUTPUT.equals(json)) {
            System.out.println(Json.line(OffloadJson.of(m, compared)));
        } else if (json != null) {
            AtomicFiles.writeString(Path.of(json), Json.pretty(OffloadJson.of(m, compared)));
            text("figures in %s%n", json);
        }
        if (html != null) {
            AtomicFiles.writeString(html, OffloadHtml.of(m, compared));
            text("page in %s%n", html);
        }
    }
}
