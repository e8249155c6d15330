// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench.offload;

import io.eslm.tensor.Rng;
import io.eslm.tensor.backend.Backend;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Stream;

/** Compares, then times, kernels of all sizes on all engines. */
final class KernelRun {
    static final int SMALLEST = 32;

    /** A kernel on an engine. */
    private record Pair(String kernel, String engine) {
    }

    private final Rules rules;
    private final List<Engine> engines;
    private final EnergyMeter energy;
    private final int largest;
    private final List<Agreement> agreement = new ArrayList<>();
    private final List<Cell> cells = new ArrayList<>();
    private final List<String> skipped = new ArrayList<>();
    private final Map<Pair, Double> firstCalls = new HashMap<>();
    private final Map<Integer, float[]> valuesBySide = new HashMap<>();
    private final Set<Pair> leftOut = new HashSet<>();

    /** @param largest elements of the largest operand */
    KernelRun(Rules rules, List<Engine> engines, EnergyMeter energy, int largest) {
        this.rules = rules;
        this.engines = engines;
        this.energy = energy;
        this.largest = largest;
    }

    List<Agreement> agreement() {
        return agreement;
    }

    List<Cell> cells() {
        return cells;
    }

    List<String> skipped() {
        return skipped;
    }

    /** The sizes, the smallest first. */
    List<Integer> sides() {
        return Stream.iterate(SMALLEST, side -> (long) side * side <= largest, side -> 2 * side).toList();
    }

    private float[] values(int side) {
        return valuesBySide.computeIfAbsent(side, KernelRun::random);
    }

    private static float[] random(int side) {
        float[] values = new float[side * side];
        Rng rng = Rng.of(side);
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) rng.nextGaussian();
        }
        return values;
    }

    // ---- agreement

    /** Calls a kernel once on every engine at every size that its definition can do, and compares the results with it. */
    void compare(OffloadCase c, Backend definition) {
        for (int side : sides()) {
            if (Agreement.canDefine(c, side)) {
                float[] values = values(side);
                double[] expected = Agreement.definition(c, side, values, definition);
                List<Engine> able = engines.stream().filter(e -> e.can(c)).toList();
                Agreement.Reference reference = new Agreement.Reference(Agreement.DEFINITION, expected);
                for (Engine engine : able) {
                    try (Engine.Job job = engine.job(c, side, values)) {
                        long start = System.nanoTime();
                        job.run();
                        firstCalls.putIfAbsent(new Pair(c.name(), engine.name()), (System.nanoTime() - start) * 1e-9);
                        compare(c, side, engine, job, reference);
                    }
                }
            }
        }
    }

    private void compare(OffloadCase c, int side, Engine engine, Engine.Job job, Agreement.Reference reference) {
        Agreement found = Agreement.of(c, side, engine.name(), job.result(), reference);
        agreement.add(found);
        if (!found.isRight() && leftOut.add(new Pair(c.name(), engine.name()))) {
            skipped.add(String.format(Locale.ROOT, "%s on %s: wrong at %d×%d", c.name(), engine.name(), side, side));
        }
    }

    // ---- times

    /** One kernel on one engine, timed with and without copies. */
    private record Measured(Engine engine, Engine.Job job, Sampler resident, Sampler copied) {
    }

    /** Times a kernel at one size on all engines, in turn; behind the sizes of its definition, compares the results first. */
    List<Cell> time(OffloadCase c, int side) {
        float[] values = values(side);
        List<Measured> all = new ArrayList<>();
        List<Cell> done = new ArrayList<>();
        Agreement.Reference reference = null;
        try {
            for (Engine engine : engines) {
                if (!engine.can(c) || !isQuick(c, side, engine)) {
                    continue;
                }
                Engine.Job job = engine.job(c, side, values);
                Sampler resident = new Sampler(rules, job::run, energy);
                all.add(new Measured(engine, job, resident,
                        engine.onHost() ? null : new Sampler(rules, job::runCopied, energy)));
                if (!Agreement.canDefine(c, side)) {
                    job.run();
                    if (reference == null) {
                        reference = new Agreement.Reference(engine.name(), Agreement.wide(job.result()));
                    } else {
                        compare(c, side, engine, job, reference);
                    }
                }
            }
            List<Measured> right =
                    all.stream().filter(m -> !leftOut.contains(new Pair(c.name(), m.engine.name()))).toList();
            measure(right);
            for (Measured m : right) {
                done.add(cell(c, side, m));
            }
        } finally {
            all.forEach(m -> m.job.close());
        }
        cells.addAll(done);
        return done;
    }

    private void measure(List<Measured> all) {
        List<Sampler> samplers = all.stream().flatMap(m -> Stream.of(m.resident, m.copied)).filter(Objects::nonNull)
                .toList();
        samplers.forEach(Sampler::warmUp);
        for (int i = 0; i < rules.iterations(); i++) {
            samplers.forEach(Sampler::iteration);
        }
    }

    private Cell cell(OffloadCase c, int side, Measured m) {
        return new Cell(c.name(), side, m.engine.name(), m.resident.seconds(),
                m.copied == null ? null : m.copied.seconds(),
                side == SMALLEST ? firstCalls.getOrDefault(new Pair(c.name(), m.engine.name()), Double.NaN)
                        : Double.NaN,
                c.operations().applyAsDouble(side), c.bytes(side), m.resident.allocated(), m.resident.joules());
    }

    /** True if a call will not take long, as the size before tells; an engine that is left out stays so. */
    private boolean isQuick(OffloadCase c, int side, Engine engine) {
        Pair pair = new Pair(c.name(), engine.name());
        if (side == SMALLEST || leftOut.contains(pair)) {
            return !leftOut.contains(pair);
        }
        int smaller = side / 2;
        double before = cells.stream().filter(cell -> cell.kernel().equals(c.name()) && cell.side() == smaller
                && cell.engine().equals(engine.name())).mapToDouble(cell -> cell.seconds().mean()).findFirst()
                .orElse(0);
        double expected = before * Math.max(c.bytes(side) / c.bytes(smaller),
                c.operations().applyAsDouble(side) / Math.max(1, c.operations().applyAsDouble(smaller)));
        if (expected > rules.longest()) {
            leftOut.add(pair);
            skipped.add(String.format(Locale.ROOT, "%s on %s from %d×%d on: about %.1f s a call", c.name(),
                    engine.name(), side, side, expected));
        }
        return expected <= rules.longest();
    }
}
