// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.inspect;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.autograd.Rows;
import io.eslm.autograd.Tape;
import io.eslm.autograd.Variable;
import io.eslm.autograd.op.WeightedSum;
import io.eslm.gpt2.Golden;
import io.eslm.gpt2.Golden.Precision;
import io.eslm.gpt2.Gpt2;
import io.eslm.tensor.DType;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.Workspace;
import io.eslm.tensor.io.Safetensors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Activations, attention patterns and their gradients equal Hugging Face's, see tools/golden/activations.py. */
class GoldenActivationsTest {
    static Stream<Arguments> cases() {
        return Stream.of("even", "odd").flatMap(name -> Precision.usable()
                .map(precision -> Arguments.of(name, precision)));
    }

    @ParameterizedTest
    @MethodSource("cases")
    void valuesAndGradients(String name, Precision precision) {
        try (Golden golden = new Golden(name, precision);
                Safetensors expected = Safetensors.open(Golden.folder(name).resolve("activations.safetensors"))) {
            ActivationCache all = run(golden, null);
            ActivationCache masked = run(golden, IntStream.range(0, golden.targets().size())
                    .filter(i -> golden.ints("selected")[i] == 1).toArray());
            int compared = 0;
            for (Safetensors.Entry e : expected.entries()) {
                boolean ofMasked = e.name().startsWith("masked/");
                String ours = e.name().replace("masked/", "");
                Tensor actual = (ofMasked ? masked : all).get(ours);
                assertEquals(e.shape(), actual.shape(), e.name());
                Golden.assertClose(e.name(), expected.doubles(e.name()), actual.toDoubles(),
                        ActivationNames.isGradient(ours) ? precision.backward() : precision.forward());
                compared++;
            }
            int blocks = golden.model().config().nLayer();
            assertEquals((5 + 14 * blocks) + 2 * (4 + 14 * blocks), compared);
        }
    }

    /** The mean loss over {@code rows}, or over all tokens if they are null. */
    private static ActivationCache run(Golden golden, int[] rows) {
        Gpt2 model = golden.model();
        DType type = model.head().value().dtype();
        ActivationCache cache = new ActivationCache();
        try (Tape tape = Tape.withoutDropout(new Workspace(model.backend()));
                Probes _ = Probes.on(model).observe("*", cache).observe("*.grad", cache)) {
            Variable each = model.losses(model.forward(tape, golden.ids()), golden.targets()).loss();
            int kept = rows == null ? golden.targets().size() : rows.length;
            assertTrue(rows == null || kept < golden.targets().size());
            Rows of = rows == null ? null : Rows.of(tape, rows, golden.targets().size());
            tape.apply(new WeightedSum(of, Tensor.full(model.backend(), type, 1.0 / kept, kept)), each).backward();
        }
        return cache;
    }
}
