// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.eslm.autograd.nn.LayerNorm;
import io.eslm.autograd.nn.Linear;
import io.eslm.autograd.nn.Module;
import io.eslm.autograd.nn.Sequential;
import io.eslm.tensor.DType;
import io.eslm.tensor.Rng;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Backends;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class ToStringTest {
    private final Backend backend = Backends.open("scalar", 1);
    private final Tape tape = Tape.recording(backend);

    @AfterEach
    void close() {
        backend.close();
    }

    @Test
    void aVariableTellsWhatMadeItAndItsValue() {
        Parameter p = new Parameter(Tensor.of(backend, new float[] {-1, 0, 2}, 3));
        Variable x = tape.constant(p.value());
        assertEquals("constant: [-1.0,  0.0,  2.0] (3) F32", x.toString());
        assertEquals("Relu: [0.0, 0.0, 2.0] (3) F32", x.relu().toString());
        Variable y = p.on(tape).mul(2);
        assertEquals("Scale, needs gradient: [-2.0,  0.0,  4.0] (3) F32", y.toString());
        y.sum().backward();
        assertEquals("Scale, needs gradient: released (3) F32", y.toString());
        assertEquals("constant: [0.0, 0.0, 0.0, …, 0.0, 0.0, 0.0] (1001) F32",
                tape.constant(Tensor.zeros(backend, DType.F32, 1001)).toString());
    }

    @Test
    void aParameterTellsItsNameOnceAModuleHasIt() {
        Tensor zero = Tensor.zeros(backend, DType.F32, 2);
        Parameter p = new Parameter(zero);
        assertEquals("parameter: [0.0, 0.0] (2) F32", p.toString());
        Sequential model = new Sequential(new Linear(Tensor.zeros(backend, DType.F32, 1, 2), zero));
        assertEquals("0.bias: [0.0, 0.0] (2) F32", model.parameters().get("0.bias").toString());
    }

    /** A block with a shared parameter and parts. */
    private final class Block extends Module {
        Block() {
            Rng rng = Rng.of(1);
            Parameter tokens = parameter("tokens.weight", new Parameter(Tensor.zeros(backend, DType.F32, 500, 4)));
            part("norm", LayerNorm.of(backend, 4));
            parts("layers", List.of(Linear.of(backend, 4, 8, rng), Linear.of(backend, 8, 4, rng)));
            parameter("head", tokens);
        }
    }

    @Test
    void aModulePrintsItsTree() {
        assertEquals("""
                Block, 2,084 parameters
                  tokens.weight (500, 4)
                  norm: LayerNorm, 8
                    weight (4)
                    bias (4)
                  layers.0: Linear, 40
                    weight (4, 8)
                    bias (8)
                  layers.1: Linear, 36
                    weight (8, 4)
                    bias (4)
                  head (500, 4)""", new Block().toString());
    }

    @Test
    void aTapeCountsOpsAndBytes() {
        assertEquals("recording tape on scalar: 0 ops applied, 0 bytes held", tape.toString());
        Parameter p = new Parameter(Tensor.zeros(backend, DType.F32, 2000));
        Variable loss = p.on(tape).exp().sum();
        assertEquals("recording tape on scalar: 3 ops applied, 12288 bytes held", tape.toString(),
                "storages come in multiples of 1024 elements: 2048 for exp, 1024 for the sum");
        loss.backward();
        assertEquals("recording tape on scalar: 0 ops applied, 4096 bytes held", tape.toString(), "the loss");
        tape.reset();
        assertEquals("recording tape on scalar: 0 ops applied, 0 bytes held", tape.toString());
        assertEquals("evaluation tape on scalar: 0 ops applied, 0 bytes held", Tape.evaluation(backend).toString());
    }

    @Test
    void anApplicationTellsItsShapes() {
        List<String> seen = new ArrayList<>();
        Op op = new Op() {
            @Override
            public Tensor forward(OpContext context, Tensor... x) {
                seen.add(context.toString());
                return context.acquire(6);
            }

            @Override
            public void backward(OpContext context, Tensor dy) {
                seen.add(context.toString());
            }

            @Override
            public String name() {
                return "Flatten";
            }
        };
        Parameter p = new Parameter(Tensor.zeros(backend, DType.F32, 2, 3));
        tape.apply(op, p, p).sum().backward();
        assertEquals(List.of("Flatten (2, 3) (2, 3)", "Flatten (2, 3) (2, 3) → (6)"), seen);
    }
}
