// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench;

import io.eslm.tensor.DType;
import io.eslm.tensor.Rng;
import io.eslm.tensor.backend.Activation;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Kernels;
import io.eslm.tensor.backend.Storage;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.BiConsumer;
import java.util.function.Function;
import java.util.function.Supplier;

/** The kernels of a GPT-2 124M training step with M = 1024 tokens, and the usual square product. */
final class KernelCases {
    private static final int M = 1024;
    private static final int C = 768;
    private static final int V = 50257;
    private static final int CHECKED = 300;
    private static final double EPS = 0x1p-24;

    private final Backend backend;
    private final Backend definition;
    private final Kernels kernels;
    private final Rng rng = Rng.of(7);

    /** @param definition the scalar backend, which the results are compared with */
    KernelCases(Backend backend, Backend definition) {
        this.backend = backend;
        this.definition = definition;
        this.kernels = backend.kernels();
    }

    /** Those whose name contains {@code part}, each made on demand, since together they would not fit into a small memory. */
    List<Supplier<KernelCase>> named(String part) {
        List<Supplier<KernelCase>> cases = new ArrayList<>();
        BiConsumer<String, Function<String, KernelCase>> add = (name, make) -> {
            if (name.contains(part)) {
                cases.add(() -> make.apply(name));
            }
        };
        add.accept("matmul", name -> matmul(name, 1024, 1024, 1024, false, false));
        add.accept("qkv forward", name -> matmul(name, M, C, 3 * C, false, false));
        add.accept("projection forward", name -> matmul(name, M, C, C, false, false));
        add.accept("mlp up forward", name -> matmul(name, M, C, 4 * C, false, false));
        add.accept("mlp down forward", name -> matmul(name, M, 4 * C, C, false, false));
        add.accept("qkv dx", name -> matmul(name, M, 3 * C, C, false, true));
        add.accept("mlp up dx", name -> matmul(name, M, 4 * C, C, false, true));
        add.accept("mlp down dx", name -> matmul(name, M, C, 4 * C, false, true));
        add.accept("qkv dw", name -> matmul(name, C, M, 3 * C, true, false));
        add.accept("mlp up dw", name -> matmul(name, C, M, 4 * C, true, false));
        add.accept("mlp down dw", name -> matmul(name, 4 * C, M, C, true, false));
        add.accept("head forward", name -> matmul(name, M, C, V, false, true));
        add.accept("head dx", name -> matmul(name, M, V, C, false, false));
        add.accept("head dw", name -> matmul(name, V, M, C, true, false));
        add.accept("attention", name -> attention(name, 4, 256, false));
        add.accept("attention", name -> attention(name, 1, 1024, false));
        add.accept("attention backward", name -> attention(name, 4, 256, true));
        add.accept("attention backward", name -> attention(name, 1, 1024, true));
        add.accept("layer norm", name -> layerNorm(name, 16 * M));
        add.accept("layer norm backward", name -> layerNormBackward(name, 16 * M));
        add.accept("gelu", name -> elementwise(name, 32 << 20, 12, (k, y, x, n) -> k.gelu(y, x, n)));
        add.accept("gelu backward",
                name -> elementwise(name, 32 << 20, 12, (k, y, x, n) -> k.geluBackward(y, x, x, n)));
        for (Activation f : Activation.values()) {
            String of = "activation " + f.name().toLowerCase(Locale.ROOT);
            add.accept(of, name -> elementwise(name, 32 << 20, 12, (k, y, x, n) -> k.activation(f, y, x, n)));
            add.accept(of + " backward", name -> elementwise(name, 32 << 20, 12,
                    (k, y, x, n) -> k.activationBackward(f, y, x, x, n)));
        }
        add.accept("softmax, rows of 1024", name -> elementwise(name, 32 << 20, 12,
                (k, y, x, n) -> k.softmax(y, x, n / 1024, 1024)));
        add.accept("cross-entropy", this::crossEntropy);
        add.accept("adamw", this::adamW);
        return cases;
    }

    private KernelCase matmul(String name, int m, int k, int n, boolean ta, boolean tb) {
        float[] fa = random(m * k);
        float[] fb = random(k * n);
        Storage a = put(backend, fa);
        Storage b = put(backend, fb);
        Storage y = backend.allocate(DType.F32, m * n);
        Runnable run = () -> kernels.matmul(y, a, b, m, k, n, ta, tb, false);
        return new KernelCase(name, m + "×" + k + "×" + n + (ta ? " TN" : tb ? " NT" : ""), 2.0 * m * k * n, 0, run,
                () -> {
                    run.run();
                    float[] got = get(y, m * n);
                    double worst = 0;
                    for (int c = 0; c < CHECKED; c++) {
                        int i = rng.nextInt(m);
                        int j = rng.nextInt(n);
                        double sum = 0;
                        double magnitude = 0;
                        for (int p = 0; p < k; p++) {
                            double term = (double) fa[ta ? p * m + i : i * k + p] * fb[tb ? j * k + p : p * n + j];
                            sum += term;
                            magnitude += Math.abs(term);
                        }
                        worst = Math.max(worst, Math.abs(got[i * n + j] - sum) / (k * EPS * magnitude));
                    }
                    return worst;
                });
    }

    private KernelCase attention(String name, int batch, int time, boolean backward) {
        int heads = C / 64;
        int rows = batch * time;
        Storage qkv = put(backend, random(rows * 3 * C));
        Storage dy = put(backend, random(rows * C));
        Storage y = backend.allocate(DType.F32, rows * C);
        Storage lse = backend.allocate(DType.F32, batch * heads * time);
        Storage dqkv = backend.allocate(DType.F32, rows * 3 * C);
        Runnable forward = () -> kernels.attention(y, lse, qkv, null, batch, time, heads, 64, 0, 0);
        Runnable both =
                () -> kernels.attentionBackward(dqkv, dy, null, rows, qkv, y, lse, null, batch, time, heads, 64, 0,
                        0);
        forward.run();
        double products = backward ? 5 : 2;
        return new KernelCase(name, batch + "×" + time + ", 12 heads of 64",
                products * 2 * batch * heads * 64 * (time * (time + 1.0) / 2), 0, backward ? both : forward,
                () -> attentionError(backward));
    }

    /** Against the definition at a size that it can do: 1 × 150, 2 heads. */
    private double attentionError(boolean backward) {
        int time = 150;
        float[] in = random(time * 3 * 128);
        float[] grad = random(time * 128);
        float[][] results = new float[2][];
        for (int side = 0; side < 2; side++) {
            Backend on = side == 0 ? backend : definition;
            Storage qkv = put(on, in);
            Storage y = on.allocate(DType.F32, time * 128);
            Storage lse = on.allocate(DType.F32, 2 * time);
            on.kernels().attention(y, lse, qkv, null, 1, time, 2, 64, 0, 0);
            results[side] = new float[backward ? time * 384 : time * 128];
            if (backward) {
                Storage d = on.allocate(DType.F32, time * 384);
                on.kernels().attentionBackward(d, put(on, grad), null, time, qkv, y, lse, null, 1, time, 2, 64, 0, 0);
                on.read(d, results[side], 0, results[side].length);
            } else {
                on.read(y, results[side], 0, results[side].length);
            }
        }
        return difference(results[0], results[1], 1e-4);
    }

    private KernelCase layerNorm(String name, int rows) {
        float[] in = random(rows * C);
        Storage x = put(backend, in);
        Storage gamma = put(backend, random(C));
        Storage y = backend.allocate(DType.F32, rows * C);
        Storage mean = backend.allocate(DType.F32, rows);
        Storage rstd = backend.allocate(DType.F32, rows);
        return new KernelCase(name, rows + "×" + C, 0, 12.0 * rows * C,
                () -> kernels.layerNorm(y, mean, rstd, x, gamma, gamma, rows, C, 1e-5), () -> {
                    float[] few = Arrays.copyOf(in, 8 * C);
                    float[] g = get(gamma, C);
                    kernels.layerNorm(y, mean, rstd, x, gamma, gamma, rows, C, 1e-5);
                    Storage dy = definition.allocate(DType.F32, 8 * C);
                    Storage dg = put(definition, g);
                    definition.kernels().layerNorm(dy, definition.allocate(DType.F32, 8),
                            definition.allocate(DType.F32, 8),
                            put(definition, few), dg, dg, 8, C, 1e-5);
                    float[] want = new float[8 * C];
                    definition.read(dy, want, 0, want.length);
                    return difference(get(y, 8 * C), want, 1e-5);
                });
    }

    private KernelCase layerNormBackward(String name, int rows) {
        Storage x = put(backend, random(rows * C));
        Storage dy = put(backend, random(rows * C));
        Storage gamma = put(backend, random(C));
        Storage y = backend.allocate(DType.F32, rows * C);
        Storage mean = backend.allocate(DType.F32, rows);
        Storage rstd = backend.allocate(DType.F32, rows);
        Storage dgamma = backend.allocate(DType.F32, C);
        Storage dbeta = backend.allocate(DType.F32, C);
        kernels.layerNorm(y, mean, rstd, x, gamma, gamma, rows, C, 1e-5);
        return new KernelCase(name, rows + "×" + C, 0, 16.0 * rows * C,
                () -> kernels.layerNormBackward(y, dgamma, dbeta, dy, x, mean, rstd, gamma, rows, C, false, false),
                () -> {
                    kernels.layerNormBackward(y, dgamma, dbeta, dy, x, mean, rstd, gamma, rows, C, false, false);
                    float[] d = get(y, C);
                    double sum = 0;
                    for (float v : d) {
                        sum += v;
                    }
                    return Math.abs(sum) / 1e-3; // dx of a row sums to zero: adding a constant to x changes nothing
                });
    }

    private interface Elementwise {
        void apply(Kernels k, Storage y, Storage x, int n);
    }

    private KernelCase elementwise(String name, int n, double bytesPerElement, Elementwise f) {
        float[] in = random(n);
        Storage x = put(backend, in);
        Storage y = backend.allocate(DType.F32, n);
        return new KernelCase(name, String.valueOf(n), 0, bytesPerElement * n, () -> f.apply(kernels, y, x, n), () -> {
            f.apply(kernels, y, x, n);
            int few = 1 << 14;
            Storage want = definition.allocate(DType.F32, few);
            f.apply(definition.kernels(), want, put(definition, Arrays.copyOf(in, few)), few);
            float[] w = new float[few];
            definition.read(want, w, 0, few);
            return difference(get(y, few), w, 2e-6);
        });
    }

    private KernelCase crossEntropy(String name) {
        float[] in = random(M * V);
        Storage x = put(backend, in);
        int[] ids = new int[M];
        for (int i = 0; i < M; i++) {
            ids[i] = rng.nextInt(V);
        }
        Storage targets = backend.allocate(DType.I32, M);
        backend.write(targets, ids, 0, M);
        Storage loss = backend.allocate(DType.F32, M);
        Storage entropy = backend.allocate(DType.F32, M);
        Storage lse = backend.allocate(DType.F32, M);
        return new KernelCase(name, M + "×" + V, 0, 4.0 * M * V,
                () -> kernels.crossEntropy(loss, entropy, lse, x, targets, M, V), () -> {
                    kernels.crossEntropy(loss, entropy, lse, x, targets, M, V);
                    double sum = 0;
                    for (int v = 0; v < V; v++) {
                        sum += Math.exp(in[v]);
                    }
                    return Math.abs(get(loss, 1)[0] - (Math.log(sum) - in[ids[0]])) / 1e-5;
                });
    }

    private KernelCase adamW(String name) {
        int n = 32 << 20;
        Storage p = put(backend, random(n));
        Storage g = put(backend, random(n));
        Storage m = backend.allocate(DType.F32, n);
        Storage v = backend.allocate(DType.F32, n);
        Storage[][] all = {{p}, {g}, {m}, {v}};
        int[] size = {n};
        boolean[] decays = {true};
        Runnable run = () -> kernels.adamW(all[0], all[1], all[2], all[3], size, decays, 1e-3, 0.9, 0.95, 1e-8, 0.1,
                0.1, 0.05, 1);
        return new KernelCase(name, String.valueOf(n), 0, 28.0 * n, run, () -> {
            float before = get(p, 1)[0];
            double grad = get(g, 1)[0];
            run.run();
            double want =
                    before * (1 - 1e-4) - 1e-3 * (0.1 * grad / 0.1) / (Math.sqrt(0.05 * grad * grad / 0.05) + 1e-8);
            return Math.abs(get(p, 1)[0] - want) / 1e-6;
        });
    }

    private static double difference(float[] got, float[] want, double bound) {
        double worst = 0;
        for (int i = 0; i < want.length; i++) {
            double error = Math.abs((double) got[i] - want[i]) / (bound * Math.max(1, Math.abs(want[i])));
            worst = Double.isNaN(error) ? Double.POSITIVE_INFINITY : Math.max(worst, error);
        }
        return worst;
    }

    private float[] random(int n) {
        float[] values = new float[n];
        for (int i = 0; i < n; i++) {
            values[i] = (float) (2 * rng.nextDouble() - 1);
        }
        return values;
    }

    private static Storage put(Backend on, float[] values) {
        Storage s = on.allocate(DType.F32, values.length);
        on.write(s, values, 0, values.length);
        return s;
    }

    private float[] get(Storage s, int n) {
        float[] values = new float[n];
        backend.read(s, values, 0, n);
        return values;
    }
}
