// SPDX-License-Identifier: Apache-2.0
// Three looks inside a model.   bin/eslm run docs/examples/LookInside.java MODEL "a text"

import io.eslm.autograd.Tape;
import io.eslm.autograd.Variable;
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.checkpoint.ModelFolder;
import io.eslm.gpt2.inspect.ActivationCache;
import io.eslm.gpt2.inspect.Inspection;
import io.eslm.gpt2.inspect.Probes;
import io.eslm.gpt2.tokenizer.Gpt2Tokenizer;
import io.eslm.gpt2.train.Objective;
import io.eslm.tensor.DType;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Backends;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

public final class LookInside {
    /** Logit lens: the likeliest token at each position, if the model stopped after block {@code layer}. */
    public static int[] logitLens(Gpt2 model, int[] ids, int layer) {
        ActivationCache cache = Inspection.run(model, ids, new Objective.Mean(), "blocks.*.resid_post");
        try (Tape tape = Tape.evaluation(model.backend())) {
            Variable x = tape.constant(cache.get("resid_post", layer).reshape(-1, model.config().nEmbd()));
            Variable logits = model.logits(model.finalNorm(x)); // (T, V)
            Tensor likeliest = Tensor.zeros(model.backend(), DType.I32, logits.shape().dim(0), 1);
            logits.topk(1, likeliest);
            return likeliest.toInts();
        }
    }

    /** Direct logit attribution: what each part of the model adds to the logit of the last token of the text. */
    public static Map<String, Double> attribution(Gpt2 model, int[] ids) {
        ActivationCache cache = Inspection.run(model, ids, new Objective.Mean(), "*");
        int c = model.config().nEmbd();
        int last = ids.length - 2; // the position that predicts the last token
        float[] x = cache.get("resid_post", model.config().nLayer() - 1).reshape(-1, c).rows(last, 1).toFloats();
        double mean = sum(x) / c;
        double deviation = Math.sqrt(dot(x, x) / c - mean * mean + model.config().layerNormEps());
        // The norm takes off the mean, divides by the deviation, and multiplies by its weight; then comes the head's row.
        float[] direction = model.head().value().rows(ids[ids.length - 1], 1).toFloats();
        float[] weight = cache.get("transformer.ln_f.weight").toFloats();
        for (int i = 0; i < c; i++) {
            direction[i] *= weight[i];
        }
        double middle = sum(direction) / c;
        Map<String, Double> parts = new LinkedHashMap<>();
        for (String name : cache.names()) {
            if (name.endsWith("embed") || name.endsWith("_out")) {
                float[] part = cache.get(name).reshape(-1, c).rows(last, 1).toFloats();
                parts.put(name, (dot(part, direction) - middle * sum(part)) / deviation);
            }
        }
        return parts;
    }

    /** Head ablation: the mean loss without one head. */
    public static double lossWithoutHead(Gpt2 model, int[] ids, int layer, int head) {
        float[] keep = new float[model.config().nHead()];
        Arrays.fill(keep, 1);
        keep[head] = 0;
        Tensor mask = Tensor.of(model.backend(), keep, keep.length, 1); // beside z: (B, T, H, D)
        try (Probes probes = Probes.on(model)) {
            probes.replace("blocks." + layer + ".attn.z", (_, z) -> z.mul(z.tape().constant(mask)));
            float[] loss = Inspection.run(model, ids, new Objective.Mean(), "loss").get("loss").toFloats();
            return sum(loss) / loss.length;
        }
    }

    private static double sum(float[] values) {
        double sum = 0;
        for (float v : values) {
            sum += v;
        }
        return sum;
    }

    private static double dot(float[] a, float[] b) {
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            sum += (double) a[i] * b[i];
        }
        return sum;
    }

    public static void main(String[] args) {
        Gpt2Tokenizer tokenizer = new Gpt2Tokenizer();
        int[] ids = tokenizer.encode(args[1]);
        try (Backend backend = Backends.open("auto", 0)) {
            Gpt2 model = ModelFolder.load(Path.of(args[0]), backend);
            for (int l = 0; l < model.config().nLayer(); l++) {
                System.out.println("after block " + l + ": " + tokenizer.decode(logitLens(model, ids, l)));
            }
            attribution(model, ids).forEach((part, logit) -> System.out.printf("%-20s %+.3f%n", part, logit));
            for (int h = 0; h < model.config().nHead(); h++) {
                System.out.printf("without head 0.%d: loss %.4f%n", h, lossWithoutHead(model, ids, 0, h));
            }
        }
    }
}
