// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench;

import com.google.gson.Gson;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Backends;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Checks, then times, the kernels of a GPT-2 124M step, each as a share of the peak that limits it. */
@Command(name = "kernels", description = "Times the kernels of a GPT-2 124M step.", mixinStandardHelpOptions = true,
        showDefaultValues = true)
final class KernelBench implements Callable<Integer> {
    @Option(names = "--only", description = "kernels whose name contains this", defaultValue = "")
    private String only;
    @Mixin
    private BenchOptions common;

    @Override
    public Integer call() {
        JsonArray rows = new JsonArray();
        boolean right = true;
        try (Backend backend = common.open(); Backend definition = Backends.open("scalar", 1)) {
            Machine machine = Machine.measure(backend);
            if (!common.json()) {
                System.out.printf(Locale.ROOT,
                        "%s; FMA peak %.0f GFLOP/s, memory %.1f GB/s, JDK %s%n%n%-24s %-24s %10s %12s %8s%n",
                        backend.description(), machine.flops() * 1e-9, machine.bandwidth() * 1e-9,
                        System.getProperty("java.version"), "kernel", "shape", "ms", "rate", "of peak");
            }
            for (Supplier<KernelCase> supplier : new KernelCases(backend, definition).all()) {
                KernelCase c = supplier.get();
                if (c.name().contains(only)) {
                    double error = c.error().measure();
                    right &= error <= 1;
                    rows.add(row(c, machine, error, error <= 1 ? Timing.best(7, c.run()) : Double.NaN));
                }
            }
            if (common.json()) {
                JsonObject result = new JsonObject();
                result.addProperty("backend", backend.description());
                Figures.add(result, "peak_gflops", machine.flops() * 1e-9);
                result.addProperty("memory_gb_per_s", machine.bandwidth() * 1e-9);
                result.add("kernels", rows);
                System.out.println(new Gson().toJson(result));
            }
        }
        return right ? 0 : 1;
    }

    private JsonObject row(KernelCase c, Machine machine, double error, double seconds) {
        JsonObject row = new JsonObject();
        row.addProperty("kernel", c.name());
        row.addProperty("shape", c.shape());
        if (error > 1) {
            row.addProperty("wrong_by", error);
            if (!common.json()) {
                System.out.printf(Locale.ROOT, "%-24s %-24s WRONG: %.3g times its error bound; not timed%n", c.name(),
                        c.shape(),
                        error);
            }
            return row;
        }
        boolean arithmetic = c.flops() > 0;
        double rate = (arithmetic ? c.flops() : c.bytes()) / seconds;
        double share = rate / (arithmetic ? machine.flops() : machine.bandwidth());
        row.addProperty("seconds", seconds);
        row.addProperty(arithmetic ? "gflops" : "gb_per_s", rate * 1e-9);
        Figures.add(row, "share_of_peak", share);
        if (!common.json()) {
            System.out.printf(Locale.ROOT, "%-24s %-24s %10.3f %7.1f %s %6.0f %%%n", c.name(), c.shape(), seconds * 1e3,
                    rate * 1e-9, arithmetic ? "GF/s" : "GB/s", 100 * share);
        }
        return row;
    }
}
