// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.autograd.check.SampleSource;
import io.eslm.autograd.op.Add;
import io.eslm.autograd.op.TokenEmbedding;
import io.eslm.autograd.op.WeightedSum;
import io.eslm.tensor.DType;
import io.eslm.tensor.Rng;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Backends;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/** Mistakes that would give wrong numbers are errors that say what to do. */
class SafetyTest {
    private static final String REUSED =
            ": its memory has been reused. Read it before backward, reset or the end of the "
                    + "scope, or keep a copy with to(backend)";
    private final Backend backend = Backends.open("scalar", 1);
    private final SampleSource source = new SampleSource(backend, DType.F64, Rng.of(1));
    private final Tape tape = Tape.recording(backend);
    private final Parameter p = new Parameter(source.normal(2, 3));

    @AfterEach
    void close() {
        backend.close();
    }

    private static void assertError(Class<? extends RuntimeException> type, String message, Executable mistake) {
        assertEquals(message, assertThrows(type, mistake).getMessage());
    }

    private static void assertGone(String what, Executable read) {
        assertError(IllegalStateException.class, what + REUSED, read);
    }

    // ---- memory that has been reused

    @Test
    void anActivationCannotBeReadAfterBackward() {
        Variable h = p.on(tape).tanh();
        Tensor taken = h.value();
        Tensor view = taken.reshape(6);
        Tensor row = taken.rows(1, 1);
        Tensor copy = taken.to(backend);
        double[] values = taken.toDoubles();
        h.sum().backward();
        assertGone("tensor (2, 3), made by Tanh", () -> h.value().toDoubles());
        assertGone("tensor (2, 3), made by Tanh", taken::toFloats);
        assertGone("tensor (2, 3), made by Tanh", taken::toInts);
        assertGone("tensor (2, 3), made by Tanh", () -> taken.get(0, 0));
        assertGone("tensor (2, 3), made by Tanh", () -> taken.reshape(6));
        assertGone("tensor (2, 3), made by Tanh", () -> taken.rows(0, 1));
        assertGone("tensor (2, 3), made by Tanh", taken::storage);
        assertGone("tensor (6), made by Tanh", view::toDoubles);
        assertGone("tensor (1, 3), made by Tanh", row::toDoubles);
        assertArrayEquals(values, copy.toDoubles());
        assertEquals("released (2, 3) F64", taken.toString());
    }

    @Test
    void aLossCannotBeReadAfterReset() {
        Variable loss = p.on(tape).tanh().sum();
        loss.backward();
        double value = loss.item();
        assertEquals(value, loss.item());
        Tensor memory = tape.memory(DType.F32, 4);
        tape.reset();
        assertGone("tensor (), made by Sum", loss::item);
        assertGone("tensor (4), made by Tape.memory", memory::toFloats);
    }

    @Test
    void anInnerValueOfAScopeCannotBeReadAfterIt() {
        Tape evaluation = Tape.evaluation(backend);
        Variable[] inner = new Variable[1];
        Variable y = evaluation.scoped(() -> {
            inner[0] = evaluation.constant(p.value()).exp();
            return inner[0].log().reshape(6);
        });
        assertEquals(6, y.value().toDoubles().length, "the result, a view of an inner value, stays");
        assertGone("tensor (2, 3), made by Exp", () -> inner[0].value().toDoubles());
        evaluation.close();
        assertGone("tensor (6), made by Log", () -> y.value().toDoubles());
    }

    @Test
    void whatAnOpDidNotReturnCannotBeReadLater() {
        Tensor[] kept = new Tensor[1];
        Op careless = new Op() {
            @Override
            public Tensor forward(OpContext context, Tensor... x) {
                kept[0] = context.acquireLike(x[0]);
                return context.acquireLike(x[0]);
            }

            @Override
            public void backward(OpContext context, Tensor dy) {
                throw new UnsupportedOperationException();
            }

            @Override
            public String name() {
                return "Careless";
            }
        };
        tape.apply(careless, p);
        assertGone("tensor (2, 3), made by Careless", kept[0]::toDoubles);
    }

    @Test
    void aValueFromBeforeBackwardIsNoInput() {
        Variable view = p.on(tape);
        Variable h = view.tanh();
        h.sum().backward();
        String message = "Exp: input 0 is from before backward, reset or the end of its scope; compute it again";
        assertError(IllegalStateException.class, message, h::exp);
        assertError(IllegalStateException.class, message, view::exp);
        Variable loss = p.on(tape).sum();
        tape.reset();
        assertError(IllegalStateException.class, message, loss::exp);
    }

    // ---- backward

    @Test
    void backwardRunsOnce() {
        Variable loss = p.on(tape).sum();
        loss.backward();
        String message = "backward: has run already for this loss, or the tape was reset; compute it again";
        assertError(IllegalStateException.class, message, loss::backward);
        tape.reset();
        assertError(IllegalStateException.class, message, loss::backward);
    }

    @Test
    void tapesDoNotMix() {
        Tape other = Tape.recording(backend);
        Variable loss = p.on(tape).sum();
        assertError(IllegalArgumentException.class, "backward: the loss was made on another tape",
                () -> other.backward(loss));
        assertError(IllegalArgumentException.class,
                "Add: input 1 was made on another tape; pass its value with Tape.constant",
                () -> loss.add(p.on(other)));
        assertError(IllegalArgumentException.class, "backward: a parameter is not a loss", p::backward);
    }

    // ---- inputs

    @Test
    void aMissingInputIsNamed() {
        assertError(IllegalArgumentException.class, "Add: input 1 is null", () -> tape.apply(new Add(), p, null));
        assertError(IllegalArgumentException.class, "Mul: input 1 is null", () -> p.on(tape).mul((Variable) null));
    }

    /** The wording belongs to Checks and its test; what matters here is that the op and both sides are named. */
    @Test
    void backendsAndTypesDoNotMix() {
        Variable x = p.on(tape);
        String types = assertThrows(IllegalArgumentException.class,
                () -> x.add(tape.constant(Tensor.of(backend, new float[] {1})))).getMessage();
        assertTrue(types.startsWith("Add: element types differ: F64 and F32"), types);
        try (Backend second = Backends.open("scalar", 1)) {
            Variable elsewhere = tape.constant(Tensor.zeros(second, DType.F64, 2, 3));
            String backends = assertThrows(IllegalArgumentException.class, () -> x.add(elsewhere)).getMessage();
            assertTrue(backends.matches("Add: .*different backends \\(scalar and scalar\\).*"), backends);
        }
    }

    @Test
    void indicesOutsideTheirRangeAreErrors() {
        Variable x = p.on(tape);
        Class<IndexOutOfBoundsException> outside = IndexOutOfBoundsException.class;
        assertError(outside, "kernel crossEntropy: targets[1] is 3, which is outside [0, 3)",
                () -> x.crossEntropy(0, 3));
        assertError(outside, "kernel crossEntropy: targets[0] is -1, which is outside [0, 3)",
                () -> x.crossEntropy(-1, 2));
        assertError(outside, "gather: id 2 at position 1 is outside [0, 2)", () -> x.gather(source.indices(1, 2)));
        Tensor ids = source.indices(0, 2).reshape(1, 2);
        assertError(outside, "kernel embedding: ids[1] is 2, which is outside [0, 2)",
                () -> tape.apply(new TokenEmbedding(ids, 0), p, p));
    }

    @Test
    void rowsAscend() {
        assertError(IllegalArgumentException.class,
                "rows: index 1 follows 3 at position 2; indices must ascend, without repeats",
                () -> Rows.of(tape, new int[] {0, 3, 1}, 4));
        assertError(IllegalArgumentException.class,
                "rows: index 0 follows 0 at position 1; indices must ascend, without repeats",
                () -> Rows.of(tape, new int[] {0, 0}, 4));
        assertError(IndexOutOfBoundsException.class, "rows: id 4 at position 1 is outside [0, 4)",
                () -> Rows.of(tape, new int[] {0, 4}, 4));
        Rows rows = Rows.of(tape, new int[] {1}, 2);
        p.on(tape).apply(new WeightedSum(rows, source.normal(1, 3))).backward();
    }
}
