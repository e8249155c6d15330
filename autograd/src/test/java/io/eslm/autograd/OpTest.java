// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import io.eslm.autograd.check.GradCheck;
import io.eslm.autograd.check.Sample;
import io.eslm.autograd.check.SampleSource;
import io.eslm.autograd.op.CachedAttention;
import io.eslm.autograd.op.WeightedSum;
import io.eslm.tensor.DType;
import io.eslm.tensor.Rng;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.BackendProvider;
import io.eslm.tensor.backend.Backends;
import io.eslm.tensor.backend.Workspace;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** The laws of every op, on its own samples. The test finds a new op without an edit here. */
class OpTest {
    private static final long SEED = 20;
    private static final Backend SCALAR = Backends.open("scalar", 1);

    @AfterAll
    static void close() {
        SCALAR.close();
    }

    /** The same numbers on every backend and for every type. */
    private static SampleSource source(Backend backend, DType type) {
        return new SampleSource(backend, type, Rng.of(SEED));
    }

    private static List<OpScan.Named> samples() {
        return OpScan.all(source(SCALAR, DType.F64));
    }

    @Test
    void everyOpHasSamples() {
        assertTrue(OpScan.ops().size() >= 34, "found only " + OpScan.ops());
        for (Class<?> op : OpScan.ops()) {
            int n = OpScan.samples(op, source(SCALAR, DType.F64)).size();
            assertEquals(op == CachedAttention.class, n == 0, op.getSimpleName() + " has " + n + " samples");
        }
    }

    @TestFactory
    Stream<DynamicTest> gradientEqualsDifferences() {
        return samples().stream().map(s -> dynamicTest(s.name(),
                () -> GradCheck.check(s.name(), s.sample().inputs(), s.sample()::apply, Rng.of(SEED))));
    }

    @TestFactory
    Stream<DynamicTest> fusedOpEqualsItsDefinition() {
        return samples().stream().filter(s -> s.sample().composed() != null)
                .map(s -> dynamicTest(s.name(), () -> {
                    GradCheck.Result fused = run(s.sample().inputs(), s.sample()::apply);
                    GradCheck.Result composed = run(s.sample().inputs(), s.sample().composed());
                    assertClose(s.name(), composed, fused, 0x1p-53, s.sample());
                }));
    }

    @TestFactory
    Stream<DynamicTest> vectorBackendInF32EqualsScalarInF64() {
        BackendProvider vector =
                Backends.all().stream().filter(p -> p.name().equals("vector")).findFirst().orElse(null);
        String why = vector == null ? "there is no such provider" : vector.unusableBecause();
        if (why != null) {
            System.err.println("SKIPPED: no op was compared on the vector backend: " + why);
        }
        assumeTrue(why == null, "vector backend: " + why);
        Backend backend = vector.open(2);
        List<OpScan.Named> ours = OpScan.all(source(backend, DType.F32));
        List<OpScan.Named> exact = samples();
        Stream<DynamicTest> tests =
                IntStream.range(0, exact.size()).mapToObj(i -> dynamicTest(exact.get(i).name(), () -> {
                    Sample reference = exact.get(i).sample();
                    assertClose(exact.get(i).name(), run(reference.inputs(), reference::apply),
                            run(ours.get(i).sample().inputs(), ours.get(i).sample()::apply), 0x1p-24, reference);
                }));
        return tests.onClose(backend::close);
    }

    /** Gradients from some rows of dy equal those from all rows with zeros in the others. */
    @TestFactory
    Stream<DynamicTest> someRowsGiveWhatAllRowsWithZerosGive() {
        return samples().stream().filter(s -> s.sample().op().rowwise()).flatMap(s -> {
            int total = s.sample().inputs().getFirst().shape().rows();
            return Stream
                    .of(new int[] {}, new int[] {total - 1}, everyOther(total), IntStream.range(0, total).toArray())
                    .map(kept -> dynamicTest(s.name() + ", rows " + List.of(IntStream.of(kept).boxed().toArray()),
                            () -> assertRowLaw(s.name(), s.sample().inputs(), s.sample()::apply, kept, total)));
        });
    }

    private static int[] everyOther(int n) {
        return IntStream.range(0, n).filter(i -> i % 2 == 1).toArray();
    }

    /** Compares d(Σ w ⊙ y[kept])/dx from a compact gradient with the same from a full one. */
    static void assertRowLaw(String name, List<Tensor> inputs, Sample.Composed f, int[] kept, int total) {
        Backend backend = inputs.getFirst().backend();
        double[] output = run(inputs, f).output();
        double[] w = GradCheck.weights(output.length, Rng.of(SEED));
        int cols = output.length / total;
        boolean[] keeps = new boolean[total];
        double[] compact = new double[kept.length * cols];
        for (int k = 0; k < kept.length; k++) {
            keeps[kept[k]] = true;
            System.arraycopy(w, kept[k] * cols, compact, k * cols, cols);
        }
        for (int i = 0; i < w.length; i++) {
            w[i] = keeps[i / cols] ? w[i] : 0;
        }
        Tensor weights = Tensor.of(backend, DType.F64, compact, compact.length);
        Rows rows = new Rows(Tensor.of(backend, kept, kept.length), total);
        GradCheck.Result some = GradCheck.run(new Workspace(backend), inputs,
                (tape, v) -> tape.apply(new WeightedSum(rows, weights), f.apply(tape, v)), new double[] {1});
        GradCheck.Result all = GradCheck.run(new Workspace(backend), inputs, f, w);
        for (int i = 0; i < inputs.size(); i++) {
            // The sums are the same but for terms that are exactly zero; what remains is another order of additions.
            assertClose(name + ": input " + i, all.gradients().get(i), some.gradients().get(i), 8 * 0x1p-53);
        }
    }

    @Test
    void aComparisonCanFail() {
        double[] a = {1, -2, 3};
        assertClose("equal", a, a.clone(), 0);
        assertThrows(AssertionError.class, () -> assertClose("bump", a, new double[] {1, -2, 3 + 4e-9}, 1e-9));
        assertThrows(AssertionError.class, () -> assertClose("NaN", a, new double[] {1, -2, Double.NaN}, 1e-9));
    }

    private static GradCheck.Result run(List<Tensor> inputs, Sample.Composed f) {
        Workspace workspace = new Workspace(inputs.getFirst().backend());
        double[] w = GradCheck.weights(GradCheck.output(workspace, inputs, f).length, Rng.of(SEED));
        return GradCheck.run(workspace, inputs, f, w);
    }

    /**
     * Both sides compute the same numbers in two ways. A sum of n terms is off by at most n·unit·Σ|terms| (Higham 2002,
     * section 4.2), n is no more than the number of elements that go in, and an op does a few such sums one after the other,
     * on values of order 1 or of the order of the result: 4·n·unit·max(1, |result|).
     */
    private static void assertClose(String name, GradCheck.Result expected, GradCheck.Result actual, double unit,
            Sample s) {
        int n = s.inputs().stream().mapToInt(Tensor::size).max().orElse(1);
        double tolerance = 4 * Math.max(8, n) * unit;
        assertClose(name + ": output", expected.output(), actual.output(), tolerance);
        for (int i = 0; i < s.inputs().size(); i++) {
            assertClose(name + ": gradient " + i, expected.gradients().get(i), actual.gradients().get(i), tolerance);
        }
    }

    /** |actual − expected| ≤ tolerance·max(1, largest |expected|) in every element. */
    static void assertClose(String what, double[] expected, double[] actual, double tolerance) {
        assertEquals(expected.length, actual.length, what);
        double scale = 1;
        for (double e : expected) {
            scale = Math.max(scale, Math.abs(e));
        }
        for (int i = 0; i < expected.length; i++) {
            if (!(Math.abs(actual[i] - expected[i]) <= tolerance * scale)) {
                throw new AssertionError(what + " at " + i + ": " + actual[i] + ", expected " + expected[i] + " ± "
                        + tolerance * scale);
            }
        }
    }
}
