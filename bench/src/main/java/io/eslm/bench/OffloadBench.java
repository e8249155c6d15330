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
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
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
    /** Of the largest element: two roundings of 2⁻²⁴ for each of the 512 steps of the longest sum. */
    private static final double TOLERANCE = 1e-4;

    @Option(names = "--only", description = "kernels whose name contains this", defaultValue = "")
    private String only;
    @Option(names = "--largest", description = "elements of the largest operand")
    private int largest = 1 << 18;
    @Option(names = "--threads", description = "of the Vector API; 0: all cores")
    private int threads;
    @Option(names = "--json", description = "one JSON object instead of a table")
    private boolean json;

    /** A kernel on a square operand x, or a long one, and a second operand of the same size. */
    private interface Work {
        void run(Kernels kernels, Storage y, Storage x, Storage w, int side);
    }

    private record Case(String name, Work work) {
    }

    private static final List<Case> CASES = List.of(
            new Case("fill1", (k, y, x, w, n) -> k.fill(y, 1, 0)),
            new Case("matmul", (k, y, x, w, n) -> k.matmul(y, x, w, n, n, n, false, false, false)),
            new Case("gelu", (k, y, x, w, n) -> k.gelu(y, x, n * n)),
            new Case("softmax", (k, y, x, w, n) -> k.softmax(y, x, n, n)),
            new Case("axpby", (k, y, x, w, n) -> k.axpby(y, x, n * n, 0.5, 0)),
            new Case("columnSum", (k, y, x, w, n) -> k.columnSum(y, x, n, n, false)));

    /** Seconds; compile is the device's first call of a kernel in this program, less a later one. */
    private record Row(String kernel, int side, double scalar, double vector, double device, double copied,
            double compile) {
    }

    /** The operands of a case in one backend. */
    private static final class Operands {
        private final Backend backend;
        private final Storage y;
        private final Storage x;
        private final Storage w;
        private final float[] result;

        Operands(Backend backend, float[] values) {
            this.backend = backend;
            y = backend.allocate(DType.F32, values.length);
            x = backend.allocate(DType.F32, values.length);
            w = backend.allocate(DType.F32, values.length);
            result = new float[values.length];
            write(values);
        }

        void write(float[] values) {
            backend.write(x, values, 0, values.length);
            backend.write(w, values, 0, values.length);
        }

        void run(Case c, int side) {
            c.work().run(backend.kernels(), y, x, w, side);
            backend.finish();
        }

        float[] read() {
            backend.read(y, result, 0, result.length);
            return result;
        }
    }

    @Override
    public Integer call() {
        if (largest < 4096) {
            throw new UserError("--largest " + largest + ": must be at least 4096");
        }
        JsonArray rows = new JsonArray();
        try (Backend device = Backends.open("tornado", 0); Backend vector = Backends.open("vector", threads);
                Backend scalar = Backends.open("scalar", 1)) {
            if (!json) {
                System.out.printf(Locale.ROOT,
                        "%s%n%s, JDK %s%n%nmilliseconds; * where the device is ahead of the Vector API%n"
                                + "%-10s %11s %10s %10s %11s %12s %10s%n",
                        device.description(), vector.description(),
                        System.getProperty("java.version"), "kernel", "size", "scalar", "vector", "device",
                        "with copies",
                        "compile");
            }
            for (Case c : CASES.stream().filter(c -> c.name().contains(only)).toList()) {
                double compile = 0;
                for (int side = 32; side * side <= largest; side *= 2) {
                    Row row = row(c, side, scalar, vector, device, compile);
                    compile = row.compile();
                    rows.add(print(row));
                }
            }
            if (json) {
                JsonObject result = new JsonObject();
                result.addProperty("device", device.description());
                result.addProperty("vector", vector.description());
                result.add("rows", rows);
                System.out.println(new Gson().toJson(result));
            }
        }
        return 0;
    }

    private static Row row(Case c, int side, Backend scalar, Backend vector, Backend device, double compiled) {
        float[] values = new float[side * side];
        Rng rng = Rng.of(side);
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) rng.nextGaussian();
        }
        Operands plain = new Operands(scalar, values);
        Operands cpu = new Operands(vector, values);
        Operands there = new Operands(device, values);
        long start = System.nanoTime();
        there.run(c, side);
        double first = (System.nanoTime() - start) * 1e-9;
        plain.run(c, side);
        cpu.run(c, side);
        check(c, side, plain.read(), cpu.read());
        check(c, side, plain.read(), there.read());
        double resident = Timing.best(3, () -> there.run(c, side));
        double copied = Timing.best(3, () -> {
            there.write(values);
            there.run(c, side);
            there.read();
        });
        return new Row(c.name(), side, Timing.best(1, () -> plain.run(c, side)),
                Timing.best(3, () -> cpu.run(c, side)), resident, copied, compiled > 0 ? compiled : first - resident);
    }

    private static void check(Case c, int side, float[] expected, float[] actual) {
        double most = 0;
        double error = 0;
        for (int i = 0; i < expected.length; i++) {
            most = Math.max(most, Math.abs(expected[i]));
            error = Math.max(error, Math.abs(actual[i] - expected[i]));
        }
        if (!(error <= TOLERANCE * most)) {
            throw new IllegalStateException(
                    c.name() + " of " + side + ": off by " + error + ", largest element " + most);
        }
    }

    private JsonObject print(Row row) {
        if (!json) {
            System.out.printf(Locale.ROOT, "%-10s %5d×%-5d %10.4f %10.4f %10.4f%s %11.4f%s %10.0f%n", row.kernel(),
                    row.side(), row.side(), row.scalar() * 1e3, row.vector() * 1e3, row.device() * 1e3,
                    row.device() < row.vector() ? "*" : " ", row.copied() * 1e3,
                    row.copied() < row.vector() ? "*" : " ",
                    row.compile() * 1e3);
        }
        return new Gson().toJsonTree(row).getAsJsonObject();
    }
}
