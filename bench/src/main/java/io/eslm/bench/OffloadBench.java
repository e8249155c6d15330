// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench;

import com.google.gson.Gson;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.eslm.tensor.DType;
import io.eslm.tensor.Rng;
import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Backends;
import io.eslm.tensor.backend.Kernels;
import io.eslm.tensor.backend.Storage;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.function.IntUnaryOperator;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * When is a kernel worth sending to a device? Each at several sizes: plain Java on one thread, the Vector API on all cores,
 * and the device, with its operands there already and with their copies to it and back. The device's first call, which
 * translates the kernel, stands apart.
 */
@Command(name = "offload",
        description = "Times kernels in plain Java, in the Vector API, and on a device by TornadoVM.",
        mixinStandardHelpOptions = true, showDefaultValues = true)
final class OffloadBench implements Callable<Integer> {
    private static final int MOST = 1 << 28;
    /** Plain Java is left out once it takes longer: the next size takes four to eight times as long again. */
    private static final double LONGEST_SCALAR_SECONDS = 1;

    @Option(names = "--only", description = "kernels whose name contains this", defaultValue = "")
    private String only;
    @Option(names = "--largest", description = "elements of the largest operand")
    private int largest = 1 << 20;
    @Option(names = "--threads", description = "of the Vector API; 0: all cores")
    private int threads;
    @Option(names = "--json", description = "one JSON object instead of a table")
    private boolean json;

    /** A kernel on {@link Operands} of {@code n} rows of {@code n}; its result, or the part that is compared, is y. */
    private interface Work {
        void run(Kernels k, Operands o, int n);
    }

    /** @param w the length of w that is used, y that of the result, both for n rows of n: what copies carry besides x */
    private record Case(String name, IntUnaryOperator w, IntUnaryOperator y, Work work) {
    }

    private static final IntUnaryOperator NONE = n -> 0;
    private static final IntUnaryOperator ROW = n -> n;
    private static final IntUnaryOperator ALL = n -> n * n;

    private static final List<Case> CASES = List.of(
            new Case("fill one", NONE, n -> 1, (k, o, n) -> k.fill(o.y, 1, 0)), // what a call costs
            new Case("matmul", ALL, ALL, (k, o, n) -> k.matmul(o.y, o.x, o.w, n, n, n, false, false, false)),
            new Case("matmul Aᵀ", ALL, ALL, (k, o, n) -> k.matmul(o.y, o.x, o.w, n, n, n, true, false, false)),
            new Case("matmul Bᵀ", ALL, ALL, (k, o, n) -> k.matmul(o.y, o.x, o.w, n, n, n, false, true, false)),
            new Case("attention", NONE, n -> n * (n / 4), (k, o, n) -> {
                int width = n / 4;
                int heads = Math.max(1, width / 64);
                k.attention(o.y, o.u, o.x, 1, n, heads, width / heads, 0, 0);
            }),
            new Case("crossEntropy", NONE, ROW, (k, o, n) -> k.crossEntropy(o.y, o.u, o.v, o.x, o.ids, n, n)),
            new Case("softmax", NONE, ALL, (k, o, n) -> k.softmax(o.y, o.x, n, n)),
            new Case("layerNorm", ROW, ALL, (k, o, n) -> k.layerNorm(o.y, o.u, o.v, o.x, o.w, o.w, n, n, 1e-5)),
            new Case("gelu", NONE, ALL, (k, o, n) -> k.gelu(o.y, o.x, n * n)),
            new Case("geluBackward", ALL, ALL, (k, o, n) -> k.geluBackward(o.y, o.x, o.w, n * n)),
            new Case("axpby", NONE, ALL, (k, o, n) -> k.axpby(o.y, o.x, n * n, 0.5, 0)),
            new Case("columnSum", NONE, ROW, (k, o, n) -> k.columnSum(o.y, o.x, n, n, false)),
            new Case("scatterAddRows", NONE, ALL, (k, o, n) -> k.scatterAddRows(o.y, o.x, o.ids, n, n)),
            new Case("adamW", NONE, ALL,
                    (k, o, n) -> k.adamW(o.y, o.x, o.u, o.v, n * n, 1e-3, 0.9, 0.95, 1e-8, 0.1, 0.1, 0.05, 1)));

    /**
     * Seconds; scalar is null where it was left out, compile the device's first call of a kernel in this program, less a later
     * one.
     */
    record Row(String kernel, int side, Double scalar, double vector, double device, double copied,
            double compile) {
    }

    /** The least side from which on the device was ahead of the Vector API; null if it was not at the largest. */
    record Crossover(String kernel, Integer resident, Integer copied) {
        static Crossover of(List<Row> rows) {
            return new Crossover(rows.getFirst().kernel(), from(rows, Row::device), from(rows, Row::copied));
        }

        private static Integer from(List<Row> rows, ToDoubleFunction<Row> seconds) {
            Integer side = null;
            for (Row row : rows.reversed()) {
                if (seconds.applyAsDouble(row) >= row.vector()) {
                    break;
                }
                side = row.side();
            }
            return side;
        }
    }

    /** In one backend: y of zeros, x and w of the same values, u and v of zeros, each (side, side); ids (side). */
    private static final class Operands {
        private final Backend backend;
        private final Storage y;
        private final Storage x;
        private final Storage w;
        private final Storage u;
        private final Storage v;
        private final Storage ids;
        private final float[] result;

        Operands(Backend backend, float[] values, int side) {
            this.backend = backend;
            y = backend.allocate(DType.F32, values.length);
            x = backend.allocate(DType.F32, values.length);
            w = backend.allocate(DType.F32, values.length);
            u = backend.allocate(DType.F32, values.length);
            v = backend.allocate(DType.F32, values.length);
            ids = backend.allocate(DType.I32, side);
            result = new float[values.length];
            write(values, values.length);
            backend.write(ids, IntStream.range(0, side).map(i -> i * 7 % side).toArray(), 0, side);
        }

        void write(float[] values, int ofW) {
            backend.write(x, values, 0, values.length);
            backend.write(w, values, 0, ofW);
        }

        void run(Case c, int side) {
            c.work().run(backend.kernels(), this, side);
            backend.finish();
        }

        float[] read(int n) {
            backend.read(y, result, 0, n);
            return result;
        }
    }

    @Override
    public Integer call() {
        if (largest < 4096 || largest > MOST) {
            throw new UserError("--largest " + largest + ": must be from 4096 to " + MOST);
        }
        JsonArray rows = new JsonArray();
        List<Crossover> crossovers = new ArrayList<>();
        try (Backend device = Backends.open("tornado", 0); Backend vector = Backends.open("vector", threads);
                Backend scalar = Backends.open("scalar", 1)) {
            if (!json) {
                System.out.printf(Locale.ROOT,
                        "%s%n%s, JDK %s%n%nmilliseconds; * where the device is ahead of the Vector API%n"
                                + "%-14s %11s %10s %10s %11s %12s %10s%n",
                        device.description(), vector.description(), System.getProperty("java.version"), "kernel",
                        "size", "scalar", "vector", "device", "with copies", "compile");
            }
            for (Case c : CASES.stream().filter(c -> c.name().contains(only)).toList()) {
                List<Row> ofCase = new ArrayList<>();
                for (int side = 32; side * side <= largest; side *= 2) {
                    ofCase.add(row(c, side, scalar, vector, device, ofCase));
                    rows.add(print(ofCase.getLast()));
                }
                crossovers.add(Crossover.of(ofCase));
            }
            if (json) {
                JsonObject result = new JsonObject();
                result.addProperty("device", device.description());
                result.addProperty("vector", vector.description());
                result.add("rows", rows);
                result.add("crossovers", new Gson().toJsonTree(crossovers));
                System.out.println(new Gson().toJson(result));
            } else {
                System.out.printf("%n%-14s %11s %12s%n", "ahead from", "device", "with copies");
                for (Crossover c : crossovers) {
                    System.out.printf("%-14s %11s %12s%n", c.kernel(), size(c.resident()), size(c.copied()));
                }
            }
        }
        return 0;
    }

    private static String size(Integer side) {
        return side == null ? "nowhere" : side + "×" + side;
    }

    private static Row row(Case c, int side, Backend scalar, Backend vector, Backend device, List<Row> smaller) {
        float[] values = new float[side * side];
        Rng rng = Rng.of(side);
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) rng.nextGaussian();
        }
        Operands cpu = new Operands(vector, values, side);
        Operands there = new Operands(device, values, side);
        long start = System.nanoTime();
        there.run(c, side);
        double first = (System.nanoTime() - start) * 1e-9;
        cpu.run(c, side);
        check(c, side, cpu.read(values.length), there.read(values.length));
        Double plainSeconds = null;
        if (smaller.isEmpty() || smaller.getLast().scalar() != null
                && smaller.getLast().scalar() < LONGEST_SCALAR_SECONDS) {
            Operands plain = new Operands(scalar, values, side);
            plain.run(c, side);
            check(c, side, plain.read(values.length), cpu.read(values.length));
            plainSeconds = Timing.best(1, () -> plain.run(c, side));
        }
        double resident = Timing.best(3, () -> there.run(c, side));
        double copied = Timing.best(3, () -> {
            there.write(values, c.w().applyAsInt(side));
            there.run(c, side);
            there.read(c.y().applyAsInt(side));
        });
        return new Row(c.name(), side, plainSeconds, Timing.best(3, () -> cpu.run(c, side)), resident, copied,
                smaller.isEmpty() ? first - resident : smaller.getFirst().compile());
    }

    /** Of the largest element: two roundings of 2⁻²⁴ for each step of a sum as long as a side, of 512 at least. */
    private static void check(Case c, int side, float[] expected, float[] actual) {
        double tolerance = 0x1p-23 * Math.max(side, 512);
        double most = 0;
        double error = 0;
        for (int i = 0; i < expected.length; i++) {
            most = Math.max(most, Math.abs(expected[i]));
            error = Math.max(error, Math.abs(actual[i] - expected[i]));
        }
        if (!(error <= tolerance * most)) {
            throw new IllegalStateException(
                    c.name() + " of " + side + ": off by " + error + ", largest element " + most);
        }
    }

    private JsonObject print(Row row) {
        if (!json) {
            System.out.printf(Locale.ROOT, "%-14s %5d×%-5d %10s %10.4f %10.4f%s %11.4f%s %10.0f%n", row.kernel(),
                    row.side(), row.side(),
                    row.scalar() == null ? "–" : String.format(Locale.ROOT, "%.4f", row.scalar() * 1e3),
                    row.vector() * 1e3, row.device() * 1e3, row.device() < row.vector() ? "*" : " ",
                    row.copied() * 1e3, row.copied() < row.vector() ? "*" : " ", row.compile() * 1e3);
        }
        return new Gson().toJsonTree(row).getAsJsonObject();
    }
}
