// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import io.eslm.autograd.check.GradCheck;
import io.eslm.autograd.check.Sample;
import io.eslm.autograd.check.SampleSource;
import io.eslm.autograd.op.Add;
import io.eslm.autograd.op.WeightedSum;
import io.eslm.tensor.DType;
import io.eslm.tensor.Rng;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Backends;
import io.eslm.tensor.backend.Workspace;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** The gradients of an op do not depend on what its memory held before, nor on which inputs need them. On the ops' samples. */
class OpMemoryTest {
    private static final Backend SCALAR = Backends.open("scalar", 1);

    @AfterAll
    static void close() {
        SCALAR.close();
    }

    /** A test for every sample, and for row-wise ops also for a gradient of some rows of its output. */
    private static Stream<DynamicTest> everySample(Consumer<Case> law) {
        return OpScan.all(new SampleSource(SCALAR, DType.F64, Rng.of(7))).stream().flatMap(named -> {
            Sample sample = named.sample();
            Case plain = new Case(sample.inputs(), sample::apply);
            Stream<DynamicTest> full = Stream.of(dynamicTest(named.name(), () -> law.accept(plain)));
            if (!sample.op().rowwise()) {
                return full;
            }
            int total = sample.inputs().getFirst().shape().rows();
            int[] kept = IntStream.range(0, total).filter(i -> i % 3 != 1).toArray();
            Rows rows = new Rows(Tensor.of(SCALAR, kept, kept.length), total);
            int cols = plain.outputSize() / total;
            Tensor weights = new SampleSource(SCALAR, DType.F64, Rng.of(8)).normal(kept.length, cols);
            Sample.Composed someRows = (tape, v) -> tape.apply(new WeightedSum(rows, weights), sample.apply(tape, v));
            Case some = new Case(sample.inputs(), someRows);
            return Stream.concat(full, Stream.of(dynamicTest(named.name() + ", some rows", () -> law.accept(some))));
        });
    }

    private record Case(List<Tensor> inputs, Sample.Composed f) {
        int outputSize() {
            return GradCheck.output(new Workspace(SCALAR), inputs, f).length;
        }

        double[] weights() {
            return GradCheck.weights(outputSize(), Rng.of(9));
        }

        GradCheck.Result run(Workspace workspace) {
            return GradCheck.run(workspace, inputs, f, weights());
        }
    }

    /** Ops write memory before they read it, and read none that was released; each storage is released once. */
    @TestFactory
    Stream<DynamicTest> undefinedMemoryChangesNothing() {
        return everySample(c -> {
            PoisonedWorkspace poisoned = new PoisonedWorkspace(SCALAR);
            GradCheck.Result expected = c.run(new Workspace(SCALAR));
            for (int round = 0; round < 2; round++) {
                GradCheck.Result actual = c.run(poisoned);
                assertArrayEquals(expected.output(), actual.output());
                assertGradients(expected, actual);
                assertEquals(0, poisoned.inUse(), "storages not released");
            }
        });
    }

    /** The gradient of one input is the same when no other input needs one. */
    @TestFactory
    Stream<DynamicTest> eachInputMayBeTheOnlyOneWithAGradient() {
        return everySample(c -> {
            GradCheck.Result all = c.run(new Workspace(SCALAR));
            for (int i = 0; i < c.inputs.size(); i++) {
                int only = i;
                PoisonedWorkspace workspace = new PoisonedWorkspace(SCALAR);
                GradCheck.Result one = GradCheck.run(
                        workspace, List.of(c.inputs.get(i)), (tape, leaf) -> c.f.apply(tape,
                                IntStream.range(0, c.inputs.size())
                                        .mapToObj(k -> k == only ? leaf[0] : tape.constant(c.inputs.get(k)))
                                        .toArray(Variable[]::new)),
                        c.weights());
                assertArrayEquals(all.gradients().get(i), one.gradients().getFirst(), "input " + i);
                assertEquals(0, workspace.inUse());
            }
        });
    }

    /** A parameter gets the gradient of a variable; each further backward pass adds it again, until it is cleared. */
    @TestFactory
    Stream<DynamicTest> parametersSumOverBackwardPasses() {
        return everySample(c -> {
            GradCheck.Result leaves = c.run(new Workspace(SCALAR));
            Parameter[] parameters = c.inputs.stream().map(Parameter::new).toArray(Parameter[]::new);
            Tensor w = Tensor.of(SCALAR, DType.F64, c.weights(), c.outputSize());
            PoisonedWorkspace workspace = new PoisonedWorkspace(SCALAR);
            for (int pass : new int[] {1, 2, 3, 1}) {
                if (pass == 1) {
                    Stream.of(parameters).forEach(Parameter::clearGradient);
                }
                try (Tape tape = Tape.recording(workspace, Rng.of(0))) {
                    tape.backward(tape.apply(new WeightedSum(null, w), c.f.apply(tape, parameters)));
                }
                for (int i = 0; i < parameters.length; i++) {
                    double factor = pass;
                    double[] expected = DoubleStream.of(leaves.gradients().get(i)).map(g -> factor * g).toArray();
                    OpTest.assertClose("input " + i + ", pass " + pass, expected, parameters[i].gradient().toDoubles(),
                            32 * 0x1p-53); // pass·g and g + g + g differ in a few roundings of terms of order 1
                }
            }
        });
    }

    /** Two uses of the same variables: the second gradient is added to the first, full or of the same rows. */
    @TestFactory
    Stream<DynamicTest> usesOfAVariableAddUp() {
        return everySample(c -> {
            GradCheck.Result once = c.run(new Workspace(SCALAR));
            PoisonedWorkspace workspace = new PoisonedWorkspace(SCALAR);
            GradCheck.Result twice = GradCheck.run(workspace, c.inputs,
                    (tape, v) -> tape.apply(new Add(), c.f.apply(tape, v), c.f.apply(tape, v)), c.weights());
            for (int i = 0; i < c.inputs.size(); i++) {
                double[] expected = DoubleStream.of(once.gradients().get(i)).map(g -> 2 * g).toArray();
                OpTest.assertClose("input " + i, expected, twice.gradients().get(i), 32 * 0x1p-53);
            }
            assertEquals(0, workspace.inUse());
        });
    }

    private static void assertGradients(GradCheck.Result expected, GradCheck.Result actual) {
        for (int i = 0; i < expected.gradients().size(); i++) {
            assertArrayEquals(expected.gradients().get(i), actual.gradients().get(i), "gradient " + i);
        }
    }
}
