// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench;

import io.eslm.tensor.DType;
import io.eslm.tensor.Rng;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Backends;
import io.eslm.tensor.backend.Kernels;
import io.eslm.tensor.backend.Storage;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** Kernels at sizes that the scalar definition can do, on both CPU backends. The tests of tensor check their results. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 3, time = 1)
@Fork(value = 1, jvmArgsAppend = "--add-modules=jdk.incubator.vector")
public class KernelsJmh {
    private static final int ROWS = 256;
    private static final int COLS = 768;
    private static final int N = ROWS * COLS;
    private static final int SIDE = 256;
    private static final int HEADS = 12;
    private static final int HEAD_SIZE = COLS / HEADS;

    /** Which backend runs the kernels: the definition or the fast one. */
    @Param({"vector", "scalar"})
    public String backend;

    private Backend opened;
    private Kernels kernels;
    private Storage a;
    private Storage b;
    private Storage y;
    private Storage qkv;
    private Storage perRow;
    private Storage perRow2;
    private Storage perRow3;
    private Storage targets;

    @Setup
    public void open() {
        opened = Backends.open(backend, 0);
        kernels = opened.kernels();
        a = random(N);
        b = random(N);
        y = random(3 * N);
        qkv = random(3 * N);
        perRow = random(N);
        perRow2 = random(N);
        perRow3 = random(N);
        targets = opened.allocate(DType.I32, ROWS);
    }

    @TearDown
    public void close() {
        opened.close();
    }

    private Storage random(int n) {
        Rng rng = Rng.of(n);
        float[] values = new float[n];
        for (int i = 0; i < n; i++) {
            values[i] = (float) rng.nextDouble();
        }
        Storage s = opened.allocate(DType.F32, n);
        opened.write(s, values, 0, n);
        return s;
    }

    @Benchmark
    public void matmul() {
        kernels.matmul(y, a, b, SIDE, SIDE, SIDE, false, false, false);
    }

    @Benchmark
    public void matmulTransposedB() {
        kernels.matmul(y, a, b, SIDE, SIDE, SIDE, false, true, false);
    }

    @Benchmark
    public void matmulTransposedA() {
        kernels.matmul(y, a, b, SIDE, SIDE, SIDE, true, false, false);
    }

    @Benchmark
    public void attention() {
        kernels.attention(y, perRow, qkv, null, 1, ROWS, HEADS, HEAD_SIZE, 0, 0);
    }

    @Benchmark
    public void attentionBackward() {
        kernels.attentionBackward(y, a, null, ROWS, qkv, b, perRow, null, 1, ROWS, HEADS, HEAD_SIZE, 0, 0);
    }

    @Benchmark
    public void layerNorm() {
        kernels.layerNorm(y, perRow, perRow2, a, b, b, ROWS, COLS, 1e-5);
    }

    @Benchmark
    public void layerNormBackward() {
        kernels.layerNormBackward(y, perRow2, perRow3, b, a, perRow, perRow, b, ROWS, COLS, false, false);
    }

    @Benchmark
    public void gelu() {
        kernels.gelu(y, a, N);
    }

    @Benchmark
    public void geluBackward() {
        kernels.geluBackward(y, a, b, N);
    }

    @Benchmark
    public void softmax() {
        kernels.softmax(y, a, ROWS, COLS);
    }

    @Benchmark
    public void crossEntropy() {
        kernels.crossEntropy(perRow, perRow2, perRow3, a, targets, ROWS, COLS);
    }

    @Benchmark
    public void crossEntropyBackward() {
        kernels.crossEntropyBackward(y, a, perRow, targets, null, b, ROWS, COLS);
    }

    @Benchmark
    public void adamW() {
        kernels.adamW(new Storage[] {perRow}, new Storage[] {a}, new Storage[] {perRow2}, new Storage[] {perRow3},
                new int[] {N}, new boolean[] {true}, 1e-3, 0.9, 0.95, 1e-8, 0.1, 0.1, 0.05, 1);
    }
}
