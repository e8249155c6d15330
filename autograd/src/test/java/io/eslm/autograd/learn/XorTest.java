// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.learn;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.autograd.Tape;
import io.eslm.autograd.Variable;
import io.eslm.autograd.nn.Linear;
import io.eslm.autograd.nn.Sequential;
import io.eslm.autograd.optim.Sgd;
import io.eslm.tensor.Rng;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Backends;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The smallest complete program: two layers learn XOR. */
class XorTest {
    private static void xor(PrintStream out) {
        // @start region="xor"
        Backend backend = Backends.open("auto", 0);
        Tape tape = Tape.recording(backend);
        Variable x = tape.constant(Tensor.of(backend, new float[] {0, 0, 0, 1, 1, 0, 1, 1}, 4, 2));
        Variable y = tape.constant(Tensor.of(backend, new float[] {0, 1, 1, 0}, 4, 1));
        var model = new Sequential(Linear.of(backend, 2, 8, Rng.of(1)), Variable::tanh,
                Linear.of(backend, 8, 1, Rng.of(2)));
        var optimizer = new Sgd(model.parameters(), 0.9, 0);
        for (int step = 1; step <= 200; step++, tape.reset()) {
            Variable loss = model.forward(x).mse(y);
            out.printf("step %d, loss %.4f%n", step, loss.item());
            loss.backward();
            optimizer.step(0.1);
        }
        // @end
        backend.close();
    }

    @Test
    void twoLayersLearnXor() {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        xor(new PrintStream(bytes, true, StandardCharsets.UTF_8));
        List<String> lines = bytes.toString(StandardCharsets.UTF_8).lines().toList();
        assertEquals(200, lines.size());
        assertTrue(loss(lines.getFirst()) > 0.2, lines.getFirst());
        assertTrue(loss(lines.getLast()) < 0.01, lines.getLast());
    }

    private static double loss(String line) {
        return Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1));
    }
}
