// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
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
            BenchReport report = new BenchReport(backend, common.json());
            Machine machine = Machine.measure(backend);
            report.text("FMA peak %s, memory %.1f GB/s%n%n%-24s %-24s %10s %12s %8s%n", machine.fma(),
                    machine.bandwidth() * 1e-9, "kernel", "shape", "ms", "rate", "of peak");
            for (Supplier<KernelCase> supplier : new KernelCases(backend, definition).named(only)) {
                KernelCase c = supplier.get();
                double error = c.error().measure();
                right &= error <= 1;
                rows.add(row(report, c, machine, error, error <= 1 ? Timing.best(7, c.run()) : Double.NaN));
            }
            JsonObject result = new JsonObject();
            result.addProperty("backend", backend.description());
            Figures.add(result, "peak_gflops", machine.fma().flops() * 1e-9);
            Figures.add(result, "peak_spread", machine.fma().spread());
            Figures.add(result, "memory_gb_per_s", machine.bandwidth() * 1e-9);
            result.add("kernels", rows);
            report.end(result);
        }
        return right ? 0 : 1;
    }

    private static JsonObject row(BenchReport report, KernelCase c, Machine machine, double error, double seconds) {
        JsonObject row = new JsonObject();
        row.addProperty("kernel", c.name());
        row.addProperty("shape", c.shape());
        if (!(error <= 1)) {
            Figures.add(row, "wrong_by", error);
            report.text("%-24s %-24s WRONG: %.3g times its error bound; not timed%n", c.name(), c.shape(), error);
            return row;
        }
        boolean arithmetic = c.flops() > 0;
        double rate = (arithmetic ? c.flops() : c.bytes()) / seconds;
        Figures.add(row, "seconds", seconds);
        Figures.add(row, arithmetic ? "gflops" : "gb_per_s", rate * 1e-9);
        if (arithmetic) {
            Figures.addShare(row, "share_of_peak", rate / machine.fma().flops());
        } else { // above 1 where the caches help
            Figures.add(row, "share_of_peak", rate / machine.bandwidth());
        }
        JsonElement share = row.get("share_of_peak");
        report.text("%-24s %-24s %10.3f %7.1f %s %6s %%%n", c.name(), c.shape(), seconds * 1e3, rate * 1e-9,
                arithmetic ? "GF/s" : "GB/s",
                share.isJsonNull() ? "?" : String.format(Locale.ROOT, "%.0f", 100 * share.getAsDouble()));
        return row;
    }
}
