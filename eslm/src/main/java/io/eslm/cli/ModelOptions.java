// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import io.eslm.gpt2.Gpt2Config;
import io.eslm.tensor.UserError;
import picocli.CommandLine.Option;

/** The shape of a new model: a preset, and what differs from it. */
final class ModelOptions {
    @Option(names = "--model", paramLabel = "PRESET", description = "demo, gpt2, gpt2-medium, gpt2-large or gpt2-xl "
            + "(default: " + TrainDefaults.MODEL + ")")
    private String preset;
    @Option(names = {"--n-layer", "--n_layer"}, paramLabel = "N", description = "blocks (default: the preset's)")
    private Integer nLayer;
    @Option(names = {"--n-head", "--n_head"}, paramLabel = "N", description = "attention heads; divides n-embd")
    private Integer nHead;
    @Option(names = {"--n-embd", "--n_embd"}, paramLabel = "N", description = "width")
    private Integer nEmbd;
    @Option(names = {"--block-size", "--block_size"}, paramLabel = "N", description = "context in tokens")
    private Integer blockSize;
    @Option(names = {"--vocab-size", "--vocab_size"}, paramLabel = "N",
            description = "number of token ids (default: GPT-2's 50257)")
    private Integer vocabSize;
    @Option(names = "--dropout", paramLabel = "P",
            description = "dropout rate while training (default: 0; a loaded model's own)")
    private Double dropout;

    /** A new model. */
    Gpt2Config scratch() {
        Gpt2Config base = Gpt2Config.preset(or(preset, TrainDefaults.MODEL));
        return new Gpt2Config(or(nLayer, base.nLayer()), or(nHead, base.nHead()), or(nEmbd, base.nEmbd()),
                or(blockSize, base.blockSize()), or(vocabSize, base.vocabSize()), or(dropout, base.dropout()),
                base.layerNormEps());
    }

    /**
     * A model that a new run begins with: its dropout may differ, and its context may be shorter.
     *
     * @throws UserError if another shape was asked for
     */
    Gpt2Config from(Gpt2Config given, String where) {
        Gpt2Config config = blockSize == null || blockSize > given.blockSize() ? given
                : new Gpt2Config(given.nLayer(), given.nHead(), given.nEmbd(), blockSize, given.vocabSize(),
                        given.dropout(), given.layerNormEps());
        return of(config, where).withDropout(or(dropout, given.dropout()));
    }

    /**
     * The model of a run that goes on.
     *
     * @throws UserError if another one was asked for
     */
    Gpt2Config resumed(Gpt2Config given, String where) {
        if (dropout != null && dropout != given.dropout()) {
            throw new UserError("--dropout " + dropout + ": the run has " + given.dropout()
                    + ", and a resumed run must go on as it began; leave the option out");
        }
        return of(given, where);
    }

    private Gpt2Config of(Gpt2Config given, String where) {
        if (preset != null) {
            throw new UserError("--model " + preset + ": the model comes from " + where + "; leave the option out");
        }
        same("--n-layer", nLayer, given.nLayer(), where);
        same("--n-head", nHead, given.nHead(), where);
        same("--n-embd", nEmbd, given.nEmbd(), where);
        same("--block-size", blockSize, given.blockSize(), where);
        same("--vocab-size", vocabSize, given.vocabSize(), where);
        return given;
    }

    private static void same(String option, Integer asked, int given, String where) {
        if (asked != null && asked != given) {
            throw new UserError(option + " " + asked + ": the model in " + where + " has " + given
                    + ", and a model that exists keeps its shape; leave the option out");
        }
    }

    private static <T> T or(T given, T otherwise) {
        return given == null ? otherwise : given;
    }
}
