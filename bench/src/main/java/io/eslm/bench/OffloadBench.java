// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.eslm.bench.OffloadCase.Operands;
import io.eslm.tensor.Rng;
import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Backends;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.function.ToDoubleFunction;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Finds the size from which a device beats the CPU. Times each kernel at several sizes: in plain Java on one thread, in the
 * Vector API on all cores, and on the device, with its operands there already and with their copies to it and back. The
 * device's first call, which translates the kernel, is listed separately.
 */
@Command(name = "offload",
        description = "Times kernels in plain Java, in the Vector API, and on a device by TornadoVM.",
        mixinStandardHelpOptions = true, showDefaultValues = true)
final class OffloadBench implements Callable<Integer> {
    private static final int MOST = 1 << 28;
    /** Skips plain Java above this time, because the next size takes four to eight times as long. */
    private static final double LONGEST_SCALAR_SECONDS = 1;

    @Option(names = "--only", description = "kernels whose name contains this", defaultValue = "")
    private String only;
    @Option(names = "--largest", description = "elements of the largest operand")
    private int largest = 1 << 20;
    @Option(names = "--threads", description = "of the Vector API; 0: all cores")
    private int threads;
    @Option(names = "--json", description = "one JSON object instead of a table")
    private boolean json;

    /**
     * Seconds. {@code scalar} is null where plain Java was skipped; {@code compile} is the device's first call of a kernel in
     * this program minus a later one.
     */
    record Row(String kernel, int side, Double scalar, double vector, double device, double copied,
            double compile) {
    }

    /** The smallest side from which the device beat the Vector API; null if it did not at the largest. */
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

    @Override
    public Integer call() {
        if (largest < 4096 || largest > MOST) {
            throw new UserError("--largest " + largest + ": must be from 4096 to " + MOST);
        }
        JsonArray rows = new JsonArray();
        List<Crossover> crossovers = new ArrayList<>();
        try (Backend device = Backends.open("tornado", 0); Backend vector = Backends.open("vector", threads);
                Backend scalar = Backends.open("scalar", 1)) {
            BenchReport report = new BenchReport(device, json);
            report.text("%s%n%nmilliseconds; * where the device beats the Vector API%n"
                    + "%-20s %11s %10s %10s %11s %12s %10s%n", vector.description(), "kernel", "size", "scalar",
                    "vector",
                    "device", "with copies", "compile");
            for (OffloadCase c : OffloadCase.ALL_CASES.stream().filter(c -> c.name().contains(only)).toList()) {
                List<Row> ofCase = new ArrayList<>();
                for (int side = 32; side * side <= largest; side *= 2) {
                    ofCase.add(row(c, side, scalar, vector, device, ofCase));
                    rows.add(Figures.of(ofCase.getLast()));
                    print(report, ofCase.getLast());
                }
                crossovers.add(Crossover.of(ofCase));
            }
            report.text("%n%-20s %11s %12s%n", "faster from", "device", "with copies");
            crossovers.forEach(
                    c -> report.text("%-20s %11s %12s%n", c.kernel(), size(c.resident()), size(c.copied())));
            JsonObject result = new JsonObject();
            result.addProperty("device", device.description());
            result.addProperty("vector", vector.description());
            result.add("rows", rows);
            result.add("crossovers", Figures.of(crossovers));
            report.end(result);
        }
        return 0;
    }

    private static String size(Integer side) {
        return side == null ? "nowhere" : side + "×" + side;
    }

    private static Row row(OffloadCase c, int side, Backend scalar, Backend vector, Backend device, List<Row> smaller) {
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

    /** The error may be two roundings of 2⁻²⁴ of the largest element for each term of a sum of side terms, at least 512. */
    private static void check(OffloadCase c, int side, float[] expected, float[] actual) {
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

    private static void print(BenchReport report, Row row) {
        report.text("%-20s %5d×%-5d %10s %10.4f %10.4f%s %11.4f%s %10.0f%n", row.kernel(), row.side(), row.side(),
                row.scalar() == null ? "–" : String.format(Locale.ROOT, "%.4f", row.scalar() * 1e3),
                row.vector() * 1e3, row.device() * 1e3, row.device() < row.vector() ? "*" : " ", row.copied() * 1e3,
                row.copied() < row.vector() ? "*" : " ", row.compile() * 1e3);
    }
}
