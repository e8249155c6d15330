// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.autograd.op.WeightedSum;
import io.eslm.tensor.DType;
import io.eslm.tensor.Rng;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Backends;
import io.eslm.tensor.backend.Workspace;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A listener hears what runs, in order, and changes nothing. */
class WatchedWorkspaceTest {
    private final List<String> heard = new ArrayList<>();

    private final OpListener listener = new OpListener() {
        @Override
        public void beforeForward(OpContext op) {
            heard.add(op.name() + "(");
        }

        @Override
        public void afterForward(OpContext op) {
            heard.add(op.name() + ")" + op.output().shape());
        }

        @Override
        public void beforeBackward(OpContext op) {
            assertNotNull(op.arrived());
            Rows rows = op.arrivedRows();
            heard.add("d" + op.name() + "(" + op.arrived().size() + (rows == null ? "" : " of " + rows.total()));
        }

        @Override
        public void afterBackward(OpContext op) {
            for (int s = 0; s < op.savedCount(); s++) {
                assertTrue(op.saved(s).storage().size() > 0, "what was saved is still there");
            }
            heard.add("d" + op.name() + ")" + (op.rows() == null ? "" : op.rows().count()));
        }
    };

    /** Loss 0.5·|relu(x·w)| over rows 0 and 2, beside an op that no gradient reaches and one on another tape. */
    private static float[] gradient(Backend backend, Workspace workspace) {
        Parameter w = new Parameter(Tensor.randn(backend, DType.F32, Rng.of(3), 1, 4, 1));
        Tensor x = Tensor.randn(backend, DType.F32, Rng.of(4), 1, 3, 4);
        try (Tape tape = Tape.recording(workspace, Rng.of(0))) {
            Variable y = tape.constant(x).matmul(w).relu();
            y.exp();
            try (Tape beside = Tape.evaluation(workspace)) {
                beside.constant(x).exp();
            }
            tape.apply(new WeightedSum(Rows.of(tape, new int[] {0, 2}, 3), tape.put(new float[] {0.5f, 0.5f}, 2)), y)
                    .backward();
        }
        return w.gradient().toFloats();
    }

    @Test
    void hearsEveryPassAndKeepsTheBits() {
        try (Backend backend = Backends.open("scalar", 1)) {
            float[] plain = gradient(backend, new Workspace(backend));
            assertEquals(List.of(), heard);
            float[] watched = gradient(backend, new WatchedWorkspace(backend, listener));
            assertEquals(List.of("MatMul(", "MatMul)(3, 1)", "Relu(", "Relu)(3, 1)", "Exp(", "Exp)(3, 1)", "Exp(",
                    "Exp)(3, 4)", "WeightedSum(", "WeightedSum)()", "dWeightedSum(1", "dWeightedSum)", "dRelu(2 of 3",
                    "dRelu)2", "dMatMul(2 of 3", "dMatMul)2"), heard);
            assertEquals(Arrays.toString(plain), Arrays.toString(watched));
        }
    }
}
