// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench.offload;

import io.eslm.tensor.Rng;
import io.eslm.tensor.backend.Backend;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;

/** Compares, then times, kernels of all sizes on all engines. */
final class KernelRun {
    static final int SMALLEST = 32;

    /** A kernel of one size on one engine. */
    private record Place(String kernel, int side, String engine) {
    }

    private final Rules rules;
    private final List<Engine> engines;
    private final EnergyMeter energy;
    private final int largest;
    private final List<Agreement> agreement = new ArrayList<>();
    private final List<Cell> cells = new ArrayList<>();
    private final List<String> skipped = new ArrayList<>();
    /** Seconds of the second call, by which the next size's are foretold; only of what is timed. */
    private final Map<Place, Double> once = new HashMap<>();
    private final Map<Place, Double> first = new HashMap<>();

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

    private int next(int side) {
        return 2 * side;
    }

    private boolean isWithin(int side) {
        return (long) side * side <= largest;
    }

    private static float[] values(int side) {
        float[] values = new float[side * side];
        Rng rng = Rng.of(side);
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) rng.nextGaussian();
        }
        return values;
    }

    // ---- agreement

    /** Calls a kernel once on every engine at every size, and compares the results. */
    void compare(OffloadCase c, Backend definition) {
        for (int side = SMALLEST; isWithin(side); side = next(side)) {
            float[] values = values(side);
            int n = side;
            List<Engine> able = engines.stream().filter(e -> e.can(c) && isQuick(c, n, e)).toList();
            List<Engine.Job> jobs = new ArrayList<>();
            try {
                for (Engine engine : able) {
                    Engine.Job job = engine.job(c, side, values);
                    jobs.add(job);
                    first.put(new Place(c.name(), side, engine.name()), seconds(job));
                }
                List<Agreement> found = Agreement.of(c, side, values, definition, able, jobs);
                agreement.addAll(found);
                for (int i = 0; i < jobs.size(); i++) {
                    String engine = able.get(i).name();
                    double again = seconds(jobs.get(i));
                    if (found.stream().allMatch(a -> a.isRight() || !a.engine().equals(engine))) {
                        once.put(new Place(c.name(), side, engine), again);
                    }
                }
            } finally {
                jobs.forEach(Engine.Job::close);
            }
        }
    }

    private static double seconds(Engine.Job job) {
        long start = System.nanoTime();
        job.run();
        return (System.nanoTime() - start) * 1e-9;
    }

    /** True if a call will not take long, as the size before tells. */
    private boolean isQuick(OffloadCase c, int side, Engine engine) {
        if (side == SMALLEST) {
            return true;
        }
        int smaller = side / 2;
        Double before = once.get(new Place(c.name(), smaller, engine.name()));
        if (before == null) {
            return false; // left out there already
        }
        double growth = Math.max(c.bytes(side) / c.bytes(smaller),
                c.operations().applyAsDouble(side) / Math.max(1, c.operations().applyAsDouble(smaller)));
        if (before * growth <= rules.longest()) {
            return true;
        }
        skipped.add(String.format(Locale.ROOT, "%s on %s from %d×%d on: about %.1f s a call", c.name(),
                engine.name(), side, side, before * growth));
        return false;
    }

    // ---- times

    /** One kernel on one engine, timed with and without copies. */
    private record Measured(Engine engine, Engine.Job job, Sampler resident, Sampler copied) {
    }

    /** Times a kernel at one size on all engines, in turn. */
    List<Cell> time(OffloadCase c, int side) {
        float[] values = values(side);
        List<Engine> able = engines.stream()
                .filter(e -> once.containsKey(new Place(c.name(), side, e.name()))).toList();
        List<Measured> all = new ArrayList<>();
        List<Cell> done = new ArrayList<>();
        try {
            for (Engine engine : able) {
                Engine.Job job = engine.job(c, side, values);
                all.add(new Measured(engine, job, new Sampler(rules, job::run, energy).warmUp(),
                        engine.onHost() ? null : new Sampler(rules, job::runCopied, energy).warmUp()));
            }
            for (int i = 0; i < rules.iterations(); i++) {
                all.stream().flatMap(m -> Stream.of(m.resident, m.copied)).filter(s -> s != null)
                        .forEach(Sampler::iteration);
            }
            for (Measured m : all) {
                done.add(new Cell(c.name(), side, m.engine.name(), m.resident.seconds(),
                        m.copied == null ? null : m.copied.seconds(),
                        side == SMALLEST ? first.get(new Place(c.name(), side, m.engine.name())) : Double.NaN,
                        c.operations().applyAsDouble(side), c.bytes(side), m.resident.allocated(),
                        m.resident.joules()));
            }
        } finally {
            all.forEach(m -> m.job.close());
        }
        cells.addAll(done);
        return done;
    }

    /** The sizes, the smallest first. */
    List<Integer> sides() {
        return Stream.iterate(SMALLEST, this::isWithin, this::next).toList();
    }
}
