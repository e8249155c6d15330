// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.op.basic;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import io.eslm.autograd.Parameter;
import io.eslm.autograd.Tape;
import io.eslm.autograd.Variable;
import io.eslm.autograd.op.CausalAttention;
import io.eslm.autograd.op.WeightedSum;
import io.eslm.tensor.Rng;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.Activation;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Backends;
import io.eslm.tensor.backend.Workspace;
import io.eslm.tensor.io.Safetensors;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Outputs and gradients beside PyTorch's, kinks and ties included; tools/golden/ops.py wrote the values. */
class OpGoldenTest {
    /**
     * Both sides compute in F64. A sum of n terms is off by at most n·2⁻⁵³·Σ|terms| (Higham 2002, section 4.2); the longest here
     * have fewer than 100 terms, and an op does a few of them one after the other: 4·100·2⁻⁵³.
     */
    private static final double TOLERANCE = 4e2 * 0x1p-53;
    private static final Backend SCALAR = Backends.open("scalar", 1);
    private static final Safetensors GOLDEN = open();

    /** A case of ops.py in Java; {@code ids} is its I32 input, or null. */
    private interface Case {
        Variable apply(Tape tape, Variable[] x, Tensor ids);
    }

    private static Map<String, Case> cases() {
        Map<String, Case> cases = new LinkedHashMap<>();
        cases.put("abs", (tape, x, ids) -> x[0].abs());
        cases.put("clamp", (tape, x, ids) -> x[0].clamp(-1, 0.25));
        cases.put("leaky_relu", (tape, x, ids) -> x[0].leakyRelu(0.1));
        cases.put("silu", (tape, x, ids) -> x[0].silu());
        cases.put("softplus", (tape, x, ids) -> x[0].softplus());
        cases.put("maximum", (tape, x, ids) -> x[0].maximum(x[1]));
        cases.put("minimum", (tape, x, ids) -> x[0].minimum(x[1]));
        cases.put("where", (tape, x, ids) -> x[0].where(ids, x[1]));
        cases.put("max_axis", (tape, x, ids) -> x[0].max(1));
        cases.put("min_axis", (tape, x, ids) -> x[0].min(1));
        cases.put("cumsum", (tape, x, ids) -> x[0].cumsum(1));
        cases.put("topk", (tape, x, ids) -> x[0].topk(3, Tensor.of(SCALAR, new int[9], 3, 3)));
        cases.put("var", (tape, x, ids) -> x[0].var(1));
        cases.put("var_all", (tape, x, ids) -> x[0].apply(new Var(null, false, 0)));
        cases.put("std", (tape, x, ids) -> x[0].std(0));
        cases.put("std_constant", (tape, x, ids) -> x[0].std(1));
        cases.put("logsumexp", (tape, x, ids) -> x[0].logSumExp(1));
        cases.put("split", (tape, x, ids) -> {
            List<Variable> parts = x[0].split(2, 1);
            return Variable.concat(1, parts.reversed().stream().map(p -> p.mul(2)).toArray(Variable[]::new));
        });
        cases.put("stack", (tape, x, ids) -> Variable.stack(1, x[0], x[1], x[0]));
        cases.put("mse", (tape, x, ids) -> x[0].mse(x[1]));
        cases.put("l1", (tape, x, ids) -> x[0].l1(x[1]));
        cases.put("bce", (tape, x, ids) -> x[0].bceWithLogits(x[1]));
        cases.put("kl", (tape, x, ids) -> x[0].klDiv(x[1]));
        cases.put("kl_mean", (tape, x, ids) -> x[0].apply(new KlDiv(false), x[1]));
        cases.put("rms_norm", (tape, x, ids) -> x[0].rmsNorm(x[1]));
        cases.put("conv1d", (tape, x, ids) -> x[0].conv1d(x[1], x[2]));
        cases.put("conv1d_options", (tape, x, ids) -> x[0].apply(new Conv(2, 2, 2), x[1], x[2]));
        cases.put("conv2d", (tape, x, ids) -> x[0].conv2d(x[1], x[2]));
        cases.put("conv2d_options", (tape, x, ids) -> x[0].apply(new Conv(2, 1, 2), x[1]));
        cases.put("max_pool2d", (tape, x, ids) -> x[0].maxPool2d(2));
        cases.put("max_pool2d_options", (tape, x, ids) -> x[0].apply(new MaxPool(3, 2, 1)));
        cases.put("max_pool1d", (tape, x, ids) -> x[0].apply(new MaxPool(2, 2, 0)));
        cases.put("avg_pool2d", (tape, x, ids) -> x[0].avgPool2d(2));
        cases.put("avg_pool2d_options", (tape, x, ids) -> x[0].apply(new AvgPool(3, 2, 1)));
        cases.put("avg_pool1d", (tape, x, ids) -> x[0].apply(new AvgPool(3, 1, 1)));
        cases.put("embedding_bag", (tape, x, ids) -> x[0].embeddingBag(ids));
        cases.put("embedding_bag_mean", (tape, x, ids) -> x[0].apply(new EmbeddingBag(ids, true)));
        cases.put("rotary", (tape, x, ids) -> x[0].rotary());
        cases.put("rotary_from", (tape, x, ids) -> x[0].apply(new Rotary(10000, 100)));
        cases.put("attention", (tape, x, ids) -> x[0].attention(x[1], x[2], true));
        cases.put("attention_full", (tape, x, ids) -> x[0].attention(x[1], x[2], false));
        cases.put("swiglu", (tape, x, ids) -> x[0].matmul(x[1]).silu().mul(x[0].matmul(x[2])));
        cases.put("gelu_exact", (tape, x, ids) -> x[0].apply(new Activate(Activation.GELU)));
        cases.put("gelu_quick", (tape, x, ids) -> x[0].apply(new Activate(Activation.QUICK_GELU)));
        cases.put("relu_one_pass", (tape, x, ids) -> x[0].apply(new Activate(Activation.RELU)));
        cases.put("silu_one_pass", (tape, x, ids) -> x[0].apply(new Activate(Activation.SILU)));
        cases.put("attention_documents", (tape, x, ids) -> x[0].apply(new CausalAttention(2, 2, 0, 0, ids, false)));
        return cases;
    }

    private static Safetensors open() {
        try {
            return Safetensors.open(Path.of(OpGoldenTest.class.getResource("/golden/ops.safetensors").toURI()));
        } catch (URISyntaxException e) {
            throw new AssertionError(e);
        }
    }

    @AfterAll
    static void close() {
        GOLDEN.close();
        SCALAR.close();
    }

    @TestFactory
    Stream<DynamicTest> outputsAndGradientsArePyTorchs() {
        return cases().entrySet().stream().map(c -> dynamicTest(c.getKey(), () -> check(c.getKey(), c.getValue())));
    }

    private static void check(String name, Case f) {
        try (Tape tape = Tape.recording(new Workspace(SCALAR), Rng.of(0))) {
            List<Parameter> leaves = IntStream.iterate(0, i -> GOLDEN.contains(name + ".grad" + i), i -> i + 1)
                    .mapToObj(i -> new Parameter(GOLDEN.tensor(name + ".in" + i, SCALAR))).toList();
            String last = name + ".in" + leaves.size();
            Tensor ids = GOLDEN.contains(last) ? GOLDEN.tensor(last, SCALAR) : null;
            Variable y = f.apply(tape, leaves.stream().map(p -> p.on(tape)).toArray(Variable[]::new), ids);
            assertEquals(GOLDEN.entry(name + ".out").shape(), y.shape());
            assertClose(name + ".out", y.value());
            tape.backward(tape.apply(new WeightedSum(null, GOLDEN.tensor(name + ".dout", SCALAR)), y));
            for (int i = 0; i < leaves.size(); i++) {
                assertClose(name + ".grad" + i, leaves.get(i).gradient());
            }
        }
    }

    /** Every element within the tolerance times max(1, the largest finite element). */
    private static void assertClose(String name, Tensor actual) {
        double[] expected = GOLDEN.doubles(name);
        double[] values = actual.toDoubles();
        assertEquals(expected.length, values.length, name);
        double scale = 1;
        for (double e : expected) {
            scale = Double.isInfinite(e) ? scale : Math.max(scale, Math.abs(e));
        }
        for (int i = 0; i < expected.length; i++) {
            double error = expected[i] == values[i] ? 0 : Math.abs(values[i] - expected[i]);
            if (!(error <= TOLERANCE * scale)) {
                throw new AssertionError(name + " at " + i + ": " + values[i] + ", PyTorch has " + expected[i]);
            }
        }
    }

    @Test
    void theFileHoldsTheseCasesAndNoOthers() {
        assertEquals(new TreeSet<>(cases().keySet()), GOLDEN.entries().stream()
                .map(e -> e.name().substring(0, e.name().indexOf('.'))).collect(Collectors.toCollection(TreeSet::new)));
    }

    @Test
    void aComparisonCanFail() {
        assertThrows(AssertionError.class, () -> check("abs", (tape, x, ids) -> x[0].relu()));
        assertThrows(AssertionError.class, () -> check("std", (tape, x, ids) -> x[0].std(0).mul(1 + 1e-12)));
    }
}
