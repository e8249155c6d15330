// SPDX-License-Identifier: Apache-2.0
//
// A GPT in one file: it reads a text letter by letter, learns to guess the next one, and then writes.
//
//   bin/eslm run docs/examples/TinyGpt.java              learns the text at the end of this file, in half a minute
//   bin/eslm run docs/examples/TinyGpt.java my-text.txt  learns yours
//
// Shapes in comments: B sequences in a batch, T letters in a sequence, C numbers for a letter, V different letters.
// The model is a small GPT-2 (Radford et al. 2019): each letter sees itself and the letters before it, and guesses the next.

import io.eslm.autograd.Parameter;
import io.eslm.autograd.Tape;
import io.eslm.autograd.Variable;
import io.eslm.autograd.nn.LayerNorm;
import io.eslm.autograd.nn.Linear;
import io.eslm.autograd.nn.Module;
import io.eslm.autograd.optim.AdamW;
import io.eslm.autograd.optim.AdamWOptions;
import io.eslm.autograd.optim.Optimizer;
import io.eslm.autograd.optim.Schedule;
import io.eslm.tensor.DType;
import io.eslm.tensor.Rng;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Backends;
import io.eslm.tensor.backend.Workspace;

static final int LAYERS = 3;
static final int HEADS = 4;
static final int C = 96;
static final int T = 64;
static final int B = 12;
static final int STEPS = Integer.getInteger("steps", 400);

void main(String[] args) throws IOException {
    // ---- data: each letter becomes a number, its place in the alphabet of the text

    String text = args.length > 0 ? Files.readString(Path.of(args[0])) : TEXT;
    int[] alphabet = text.chars().distinct().sorted().toArray();
    int[] letters = text.chars().map(letter -> Arrays.binarySearch(alphabet, letter)).toArray();

    Backend backend = Backends.open("auto", 0);
    Workspace workspace = new Workspace(backend); // one step's memory, used again in the next
    Rng rng = Rng.of(1337);
    Gpt model = new Gpt(backend, alphabet.length, rng);
    IO.println(letters.length + " letters, " + alphabet.length + " different ones; " + model.parameterCount()
            + " parameters; " + backend.description());

    // ---- training: guess, measure, follow the gradient

    Optimizer optimizer = new AdamW(model.parameters(), AdamWOptions.DEFAULT);
    Schedule learningRate = Schedule.constant(3e-3).withWarmup(STEPS / 20).withCosineDecay(3e-4, STEPS);
    for (int step = 0; step < STEPS; step++) {
        int[] inputs = new int[B * T];
        int[] targets = new int[B * T]; // the letter that follows each input
        for (int b = 0; b < B; b++) {
            int from = rng.nextInt(letters.length - T);
            System.arraycopy(letters, from, inputs, b * T, T);
            System.arraycopy(letters, from + 1, targets, b * T, T);
        }
        try (Tape tape = Tape.recording(workspace, rng.split("dropout " + step))) {
            Variable logits = model.forward(tape, tape.put(inputs, B, T)); // (B·T, V): a score for each next letter
            Variable loss = logits.crossEntropy(targets); // nats a letter: −log of the chance given to the right one
            loss.backward();
            double clip = Optimizer.clipScale(optimizer.gradientNorm(), 1);
            optimizer.step(learningRate.at(step), clip);
            if (step % 50 == 0 || step == STEPS - 1) {
                IO.println(String.format(Locale.ROOT, "step %4d   loss %.3f", step, loss.item()));
            }
        }
    }

    // ---- writing: guess the next letter, append it, repeat

    int[] written = Arrays.copyOf(letters, 400); // of which the model gets the first four
    for (int i = 4; i < written.length; i++) {
        int[] window = Arrays.copyOfRange(written, Math.max(0, i - T), i);
        try (Tape tape = Tape.evaluation(workspace)) {
            Variable logits = model.forward(tape, tape.put(window, 1, window.length));
            Variable last = logits.slice(0, window.length - 1, window.length).div(0.7); // below 1: less daring
            written[i] = draw(last.softmax().value().toFloats(), rng);
        }
    }
    IO.println(new String(Arrays.stream(written).map(letter -> alphabet[letter]).toArray(), 0, written.length));
    backend.close();
}

/** An index, drawn with the given probabilities. */
int draw(float[] probabilities, Rng rng) {
    double rest = rng.nextDouble();
    for (int i = 0; i < probabilities.length; i++) {
        rest -= probabilities[i];
        if (rest < 0) {
            return i;
        }
    }
    return probabilities.length - 1;
}

/** Letters in, scores for the letters after them out. */
static final class Gpt extends Module {
    final Parameter meanings; // (V, C): what each letter means, also used to score the next one
    final Parameter places; // (T, C): what each place means
    final List<Block> blocks;
    final LayerNorm norm;

    Gpt(Backend backend, int alphabet, Rng rng) {
        meanings = parameter("meanings", new Parameter(Tensor.randn(backend, DType.F32, rng, 0.1, alphabet, C)));
        places = parameter("places", new Parameter(Tensor.randn(backend, DType.F32, rng, 0.1, T, C)));
        blocks = parts("blocks", Stream.generate(() -> new Block(backend, rng)).limit(LAYERS).toList());
        norm = part("norm", LayerNorm.of(backend, C));
    }

    /** ids (B, T), I32 → logits (B·T, V). */
    Variable forward(Tape tape, Tensor ids) {
        int batch = ids.dim(0);
        int time = ids.dim(1);
        Variable x = meanings.on(tape).gather(ids).reshape(batch, time, C); // (B, T, C)
        x = x.add(places.on(tape).slice(0, 0, time)).reshape(batch * time, C); // (B·T, C)
        for (Block block : blocks) {
            x = block.forward(x, batch);
        }
        return norm.forward(x).matmulTransposed(meanings); // (B·T, C)·(V, C)ᵀ
    }
}

/** Lets the letters talk to each other, then each one think by itself. */
static final class Block extends Module {
    final LayerNorm norm1;
    final Linear qkv;
    final Linear out;
    final LayerNorm norm2;
    final Linear up;
    final Linear down;

    Block(Backend backend, Rng rng) {
        norm1 = part("norm1", LayerNorm.of(backend, C));
        qkv = part("qkv", Linear.of(backend, C, 3 * C, rng));
        out = part("out", Linear.of(backend, C, C, rng));
        norm2 = part("norm2", LayerNorm.of(backend, C));
        up = part("up", Linear.of(backend, C, 4 * C, rng));
        down = part("down", Linear.of(backend, 4 * C, C, rng));
    }

    /** x (B·T, C) → (B·T, C). */
    Variable forward(Variable x, int batch) {
        Variable heard = qkv.forward(norm1.forward(x)).causalAttention(batch, HEADS); // softmax(q·kᵀ/√d)·v in each head
        x = x.add(out.forward(heard));
        Variable thought = up.forward(norm2.forward(x)).gelu(); // (B·T, 4C)
        return x.add(down.forward(thought.dropout(0.1)));
    }
}

static final String TEXT = """
        The old man rows out before the sun is up. The sea is flat and grey, and the boat is small upon it.
        He rows past the stone wall, past the red light, past the last of the houses, and the gulls go with him.
        The girl stands on the stone wall and counts the boats. One boat is white, one boat is green, and one is his.
        When the sun is up the sea is green. When the wind is up the sea is white. When the rain comes, the sea is grey.
        The old man knows the wind. The wind knows the old man. They have known each other for a long time.
        He lets down the net and waits. He does not sing, for the fish know his songs and go down when they hear them.
        The girl sings on the wall. Her song is about a ship that went out and a ship that came home again.
        When the net is full he rows home, past the first of the houses, past the red light, past the stone wall.
        The girl counts the boats again. One boat is green, one boat is white, and the last boat is his.
        They carry the fish up to the house. The cat walks before them, and the gulls walk behind them.
        In the evening the wind goes down and the light goes on. The light is red, and then dark, and then red again.
        The old man tells the girl about the sea. The sea is deep, he says, and it does not count the boats.
        The girl says that she counts them, and that this is enough. The old man says nothing, and the cat sleeps.
        In the night the rain comes in from the sea and walks over the houses, and the boats lie still at the wall.
        Before the sun is up the old man rows out again. The sea is flat and grey, and the wind knows him.
        """;
