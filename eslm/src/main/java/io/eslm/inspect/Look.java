// SPDX-License-Identifier: Apache-2.0
package io.eslm.inspect;

import io.eslm.gpt2.tokenizer.TokenTexts;
import io.eslm.autograd.Tape;
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.Gpt2.TokenLosses;
import io.eslm.gpt2.inspect.ActivationCache;
import io.eslm.gpt2.inspect.Inspection;
import io.eslm.gpt2.inspect.Probes;
import io.eslm.gpt2.option.OptionGroup;
import io.eslm.gpt2.option.OptionValues;
import io.eslm.gpt2.train.Objective;
import io.eslm.select.SelectionPreview;
import io.eslm.select.token.Risk;
import io.eslm.select.token.TokenScores;
import io.eslm.select.token.ValueAtRisk;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.Workspace;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** One pass of a model over a text, with probes that keep of each activation only what the page shows. */
final class Look {
    private static final int LIKELIEST = 5;
    /** Of the option's. */
    private static final double DEFAULT_ALPHA =
            OptionValues.defaults(new OptionGroup("", List.of(ValueAtRisk.ALPHA))).get(ValueAtRisk.ALPHA);
    private static final String RESIDUAL = "blocks.*.resid_post";

    private final Gpt2 model;
    private final int[] ids;
    private final TokenTexts texts;
    private final int layers;
    private final int positions;
    private final Workspace workspace;
    /** (T, C) after each block. */
    private final float[][] residual;
    private final Insight.Norms norms;
    private final AttentionBytes attention;
    private final byte[][] neurons;

    Look(Gpt2 model, int[] ids, TokenTexts texts) {
        this.model = model;
        this.ids = ids;
        this.texts = texts;
        layers = model.config().nLayer();
        positions = ids.length - 1;
        workspace = new Workspace(model.backend());
        residual = new float[layers][];
        norms = new Insight.Norms(new float[(layers + 1) * positions], new float[layers * positions],
                new float[layers * positions]);
        attention = new AttentionBytes(layers, model.config().nHead(), positions);
        neurons = new byte[layers][];
    }

    Insight insight(String name, Optional<Objective> method, boolean backward) {
        TokenScores scores = forward().checkFinite();
        int[] targets = scores.ids();
        Guesses[] lens = new Guesses[layers];
        for (int l = 0; l < layers; l++) {
            lens[l] = Guesses.of(model, workspace, residual[l], targets, l == layers - 1 ? LIKELIEST : 1);
        }
        Guesses own = lens[layers - 1];
        lens[layers - 1] = own.first();
        Optional<ActivationCache> trained = method.map(m -> trained(m, backward));
        float[] all = backward ? gradientNorms(trained(new Objective.Mean(), true)) : null;
        return new Insight(name, model.config(), ids, texts, scores.loss(), scores.entropy(),
                method.map(m -> choice(m, trained.orElseThrow(), scores))
                        .orElse(new Insight.Choice(null, Risk.LOSS, DEFAULT_ALPHA, null)),
                own, lens, attention, norms,
                backward ? new Insight.Gradients(all, trained.map(this::gradientNorms).orElse(null)) : null, neurons);
    }

    private TokenScores forward() {
        try (Probes probes = Probes.on(model); Tape tape = Tape.evaluation(workspace)) {
            probes.observe("blocks.0.resid_pre", (_, x) -> norms(x.toFloats(), norms.residual(), 0))
                    .observe(RESIDUAL, (name, x) -> keep(layer(name), x))
                    .observe("blocks.*.attn_out", (name, x) -> norms(x.toFloats(), norms.attention(), layer(name)))
                    .observe("blocks.*.mlp_out", (name, x) -> norms(x.toFloats(), norms.mlp(), layer(name)))
                    .observe("blocks.*.attn.pattern", (name, x) -> attention.put(layer(name), x.toFloats()))
                    .observe("blocks.*.mlp.post",
                            (name, x) -> neurons[layer(name)] = StrongestTokens.of(x.toFloats(), positions));
            int[] targets = Arrays.copyOfRange(ids, 1, ids.length);
            TokenLosses losses = model.losses(model.forward(tape, tape.put(ids, 1, positions)),
                    tape.put(targets, positions));
            return new TokenScores(targets, losses.lossValues(), losses.entropyValues());
        }
    }

    private static int layer(String name) {
        return Integer.parseInt(name.split("\\.")[1]);
    }

    private void keep(int layer, Tensor x) {
        residual[layer] = x.toFloats();
        norms(residual[layer], norms.residual(), layer + 1);
    }

    /** Puts the norm of each of T rows of {@code values} into row {@code row} of {@code out}. */
    private void norms(float[] values, float[] out, int row) {
        int width = values.length / positions;
        for (int p = 0; p < positions; p++) {
            double sum = 0;
            for (int c = p * width; c < (p + 1) * width; c++) {
                sum += (double) values[c] * values[c];
            }
            out[row * positions + p] = (float) Math.sqrt(sum);
        }
    }

    // ---- training

    private ActivationCache trained(Objective objective, boolean backward) {
        return Inspection.run(model, ids, objective, backward ? new String[] {"kept", RESIDUAL + ".grad"}
                : new String[] {"kept"});
    }

    private float[] gradientNorms(ActivationCache cache) {
        float[] out = new float[layers * positions];
        for (int l = 0; l < layers; l++) {
            String name = "blocks." + l + ".resid_post.grad";
            if (cache.has(name)) {
                norms(cache.get(name).toFloats(), out, l);
            }
        }
        return out;
    }

    private Insight.Choice choice(Objective method, ActivationCache trained, TokenScores scores) {
        boolean[] kept = new boolean[positions];
        float[] mask = trained.has("kept") ? trained.get("kept").toFloats() : null;
        for (int p = 0; p < positions; p++) {
            kept[p] = mask == null || mask[p] != 0;
        }
        SelectionPreview.Choice preview = SelectionPreview.of(method, ids, scores);
        boolean byRisk = preview.alpha() > 0 && preview.risk() != Risk.GRADIENT
                && Arrays.equals(kept, scores.selected(
                        (loss, entropy, _) -> ValueAtRisk.keepTail(preview.risk().of(loss, entropy), preview.alpha())));
        return new Insight.Choice(method.name(), byRisk ? preview.risk() : null,
                byRisk ? preview.alpha() : DEFAULT_ALPHA, kept);
    }
}
