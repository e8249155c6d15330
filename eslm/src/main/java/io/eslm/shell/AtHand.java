// SPDX-License-Identifier: Apache-2.0
package io.eslm.shell;

import io.eslm.autograd.Parameter;
import io.eslm.autograd.Tape;
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.Weights;
import io.eslm.tensor.DType;
import io.eslm.tensor.Rng;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Backends;

/** What a shell has at hand: its members are imported. Also of use in a program: {@code import static io.eslm.shell.AtHand.*}. */
public final class AtHand {
    private static final int WIDTH = 32;
    private static final int CONTEXT = 64;
    /** The letters of ASCII. */
    private static final int LETTERS = 128;

    /** The fastest backend here, on all cores. */
    public static final Backend backend = Backends.open("auto", 0);

    /** A tape that records; {@code tape.reset()} frees what is on it. */
    public static final Tape tape = Tape.recording(backend);

    /** A GPT-2 of 2 blocks, 2 heads and width 32 that reads up to 64 letters of ASCII; its weights are random, of seed 1337. */
    public static final Gpt2 model = small();

    private AtHand() {
    }

    private static Gpt2 small() {
        Gpt2Config config = Gpt2Config.of(2, 2, WIDTH, CONTEXT).with(Gpt2Config.VOCAB_SIZE, LETTERS);
        return new Gpt2(config, backend, Weights.random(config, backend, Rng.of(1337)));
    }

    /** An F32 tensor of one axis; {@code tensor(1, 2, 3, 4).reshape(2, 2)} is a matrix. */
    public static Tensor tensor(double... values) {
        return Tensor.of(backend, DType.F32, values, values.length);
    }

    /** A tensor like {@link #tensor} that takes a gradient. */
    public static Parameter parameter(double... values) {
        return new Parameter(tensor(values));
    }

    /**
     * The letters of {@code text} as ids for {@link #model}, I32 in shape (1, length): a batch of one text.
     *
     * @throws IllegalArgumentException if a letter is not one of ASCII
     */
    public static Tensor letters(String text) {
        int[] ids = text.chars().toArray();
        for (int i = 0; i < ids.length; i++) {
            if (ids[i] >= LETTERS) {
                throw new IllegalArgumentException("letters: '" + text.charAt(i) + "' at " + i
                        + " is not a letter of ASCII, and the small model knows no others");
            }
        }
        return Tensor.of(backend, ids, 1, ids.length);
    }

    /** Says what is at hand. */
    public static void help() {
        System.out.print("""
                tensor(1, 2, 3)         a tensor; .reshape(3, 1), .get(0), .toFloats() …
                parameter(1, 2, 3)      a tensor with a gradient: .gradient()
                tape                    records what you compute: tape.constant(tensor(1, 2)), x.on(tape), tape.reset()
                x.mul(y).sum()          ops on variables; loss.backward() fills the gradients
                model                   a small GPT-2 that reads letters: model.forward(tape, letters("hello"))
                backend                 what it runs on
                docs/ops.md lists the ops, docs/course explains them. Tab completes and shows documentation,
                /vars lists what you have, /exit leaves.
                """);
    }
}
