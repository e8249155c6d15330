// SPDX-License-Identifier: Apache-2.0
// Two layers learn XOR.   bin/eslm run docs/examples/Xor.java
import io.eslm.autograd.Tape;
import io.eslm.autograd.Variable;
import io.eslm.autograd.nn.Linear;
import io.eslm.autograd.nn.Sequential;
import io.eslm.autograd.optim.Sgd;
import io.eslm.tensor.Rng;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.Backends;

void main() {
    var backend = Backends.open("auto", 0);
    var x = Tensor.of(backend, new float[] {0, 0, 0, 1, 1, 0, 1, 1}, 4, 2);
    var y = Tensor.of(backend, new float[] {0, 1, 1, 0}, 4, 1);
    var net = new Sequential(Linear.of(backend, 2, 8, Rng.of(1)), Variable::tanh, Linear.of(backend, 8, 1, Rng.of(2)));
    var optimizer = new Sgd(net.parameters(), 0.9, 0);
    for (int step = 1; step <= 200; step++) {
        var tape = Tape.recording(backend);
        var loss = net.forward(tape.constant(x)).bceWithLogits(tape.constant(y));
        loss.backward();
        optimizer.step(0.5);
        if (step % 20 == 0) IO.println("step " + step + ", loss " + loss.item());
    }
}
