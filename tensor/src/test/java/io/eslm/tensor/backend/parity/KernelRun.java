// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.parity;

import io.eslm.tensor.DType;
import io.eslm.tensor.Rng;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.KernelWatch;
import io.eslm.tensor.backend.Kernels;
import io.eslm.tensor.backend.Q8Storage;
import io.eslm.tensor.backend.ScalarBackend;
import io.eslm.tensor.backend.Storage;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * One run of a {@link KernelCase} on one backend. Every storage is a window at an odd offset of a larger one, whose other
 * elements must stay as they are. Inputs are drawn from a generator seeded by the case, rounded to float, so that all
 * backends and both float types get the same numbers.
 */
public final class KernelRun {
    private static final int BEFORE = 3;
    private static final int AFTER = 37;
    private static final double GUARD = 12345;
    /** What outputs hold at first. */
    private static final double UNWRITTEN = -777;

    /** An output after the call. */
    public record Output(String name, double[] values, Closeness.Bound bound) {
    }

    private record Window(String name, Storage whole, Storage window, double[] values, Closeness.Bound bound) {
    }

    private final Backend backend;
    private final DType type;
    private final Rng rng;
    private final List<Window> windows = new ArrayList<>();
    private final Set<String> called = new HashSet<>();

    private KernelRun(KernelCase kernelCase, Backend backend, DType type) {
        this.backend = backend;
        this.type = type;
        rng = Rng.of(1).split(kernelCase.name());
    }

    /** Runs {@code kernelCase} and returns its outputs, after checking that nothing else was written. */
    public static List<Output> of(KernelCase kernelCase, Backend backend, DType type) {
        KernelRun run = new KernelRun(kernelCase, backend, type);
        kernelCase.body().accept(run);
        if (!run.called.equals(Set.of(kernelCase.kernel()))) {
            throw new AssertionError(kernelCase.name() + " called " + run.called);
        }
        return run.outputs();
    }

    public Kernels kernels() {
        return KernelWatch.of(backend.kernels(), (kernel, arguments, run) -> {
            called.add(kernel);
            run.run();
        });
    }

    /** {@code n} standard normal numbers, times {@code scale}. */
    public double[] normal(int n, double scale) {
        double[] x = new double[n];
        Arrays.setAll(x, i -> (float) (scale * rng.nextGaussian()));
        return x;
    }

    public double[] normal(int n) {
        return normal(n, 1);
    }

    /** {@code n} numbers uniform in [low, high). */
    public double[] uniform(int n, double low, double high) {
        double[] x = new double[n];
        Arrays.setAll(x, i -> (float) (low + (high - low) * rng.nextDouble()));
        return x;
    }

    /** {@code n} numbers of all magnitudes: uniform exponents from 2^low to 2^high, either sign. */
    public double[] wide(int n, int low, int high) {
        double[] x = new double[n];
        Arrays.setAll(x, i -> (float) ((rng.nextDouble() < 0.5 ? -1 : 1) * (1 + rng.nextDouble())
                * Math.pow(2, low + rng.nextInt(high - low))));
        return x;
    }

    /** {@code n} ints below {@code bound}. */
    public int[] indices(int n, int bound) {
        int[] x = new int[n];
        Arrays.setAll(x, i -> rng.nextInt(bound));
        return x;
    }

    /** {@code n} of the ints below {@code bound}, ascending. */
    public int[] ascending(int n, int bound) {
        int[] x = new int[n];
        int next = 0;
        for (int i = 0; i < n; i++) {
            while (rng.nextInt(bound - next) >= n - i) {
                next++;
            }
            x[i] = next++;
        }
        return x;
    }

    public Storage in(double... values) {
        return window(null, type, values, null);
    }

    /** The weights themselves where this backend computes with 8 bits, else their values. */
    public Storage in(Q8Storage weights) {
        return type == DType.F32 && backend instanceof ScalarBackend ? weights : in(values(weights));
    }

    static double[] values(Q8Storage weights) {
        double[] values = new double[weights.size()];
        Arrays.setAll(values, weights::get);
        return values;
    }

    public Storage in(int... values) {
        return window(null, DType.I32, Arrays.stream(values).asDoubleStream().toArray(), null);
    }

    public Storage out(String name, int n, Closeness.Bound bound) {
        double[] values = new double[n];
        Arrays.fill(values, UNWRITTEN);
        return window(name, type, values, bound);
    }

    public Storage outInts(String name, int n) {
        double[] values = new double[n];
        Arrays.fill(values, UNWRITTEN);
        return window(name, DType.I32, values, Closeness.EXACT);
    }

    /** An output that the kernel reads first, or that is an input, too. */
    public Storage inOut(String name, double[] values, Closeness.Bound bound) {
        return window(name, type, values, bound);
    }

    private Storage window(String name, DType dtype, double[] unrounded, Closeness.Bound bound) {
        double[] values = Arrays.stream(unrounded).map(v -> dtype == DType.I32 ? v : (float) v).toArray();
        Storage whole = backend.allocate(dtype, BEFORE + values.length + AFTER);
        double[] all = new double[whole.size()];
        Arrays.fill(all, GUARD);
        System.arraycopy(values, 0, all, BEFORE, values.length);
        if (dtype == DType.I32) {
            backend.write(whole, Arrays.stream(all).mapToInt(v -> (int) v).toArray(), 0, all.length);
        } else {
            backend.write(whole, all, 0, all.length);
        }
        Storage window = backend.slice(whole, BEFORE, values.length);
        windows.add(new Window(name, whole, window, values, bound));
        return window;
    }

    private List<Output> outputs() {
        List<Output> outputs = new ArrayList<>();
        for (Window w : windows) {
            double[] all = read(w.whole);
            for (int i = 0; i < all.length; i++) {
                boolean guard = i < BEFORE || i >= BEFORE + w.values.length;
                if (guard && all[i] != GUARD) {
                    throw new AssertionError("wrote beyond " + w.name + " at " + (i - BEFORE));
                }
                if (!guard && w.name == null && Double.compare(all[i], w.values[i - BEFORE]) != 0) {
                    throw new AssertionError("wrote to an input at " + (i - BEFORE));
                }
            }
            if (w.name != null) {
                outputs.add(new Output(w.name, Arrays.copyOfRange(all, BEFORE, BEFORE + w.values.length), w.bound));
            }
        }
        return outputs;
    }

    private double[] read(Storage storage) {
        double[] x = new double[storage.size()];
        if (storage.dtype() == DType.I32) {
            int[] ints = new int[x.length];
            backend.read(storage, ints, 0, ints.length);
            Arrays.setAll(x, i -> ints[i]);
        } else {
            backend.read(storage, x, 0, x.length);
        }
        return x;
    }
}
