// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.train;

import io.eslm.autograd.Parameter;
import io.eslm.autograd.optim.AdamWOptions;
import io.eslm.autograd.optim.Optimizer;
import io.eslm.autograd.optim.Schedule;
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.LowRank;
import io.eslm.gpt2.data.TokenData;
import io.eslm.gpt2.option.Option;
import io.eslm.gpt2.option.OptionError;
import io.eslm.gpt2.option.OptionGroup;
import io.eslm.gpt2.option.OptionValues;
import io.eslm.gpt2.tokenizer.Tokenizer;
import io.eslm.tensor.UserError;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Stream;

/**
 * How to train, in nanoGPT's words; written whole into every run and checkpoint. The defaults train the demo: less than five
 * minutes on two cores.
 *
 * @param values of the options in {@link #GROUP}
 */
public record TrainOptions(OptionValues values) {
    private static final OptionGroup.Builder ALL = new OptionGroup.Builder();

    public static final Option<Integer> MAX_ITERS = ALL.add(count("max iters", 1, "optimizer steps").defaultsTo(1000));
    public static final Option<Integer> BATCH_SIZE =
            ALL.add(count("batch size", 1, "windows in a micro-batch").defaultsTo(16));
    public static final Option<Integer> GRAD_ACCUM = ALL.add(
            count("grad accum", 1, "micro-batches in a step; each has its own value-at-risk").defaultsTo(1));
    public static final Option<Double> LEARNING_RATE = ALL.add(
            notNegative("learning rate", "R", "learning rate after warm-up").defaultsTo("3e-3", _ -> 3e-3));
    public static final Option<Double> MIN_LR = ALL.add(
            notNegative("min lr", "R", "learning rate at the end of the cosine; equal rates: no decay")
                    .defaultsTo("a tenth of the learning rate", given -> given.get(LEARNING_RATE) * 0.1));
    public static final Option<Integer> LR_DECAY_ITERS = ALL.add(
            count("lr decay iters", 1, "the step at which the cosine ends; the rate is then min lr")
                    .defaultsTo("max iters", given -> given.get(MAX_ITERS)));
    public static final Option<Integer> WARMUP_ITERS = ALL.add(count("warmup iters", 0, "steps of linear warm-up")
            .defaultsTo("5 % of max iters", given -> (int) Math.round(given.get(MAX_ITERS) * 0.05)));
    public static final Option<OptimizerKind> OPTIMIZER = ALL.add(Option.choice("optimizer", "NAME",
            "adamw, or muon: the update of a block's matrix is made orthogonal, at the same rates as AdamW's; its cost does not depend on "
                    + "the batch, so it wants many tokens a step (docs/results.md); ranks divide it (docs/scale.md)",
            OptimizerKind.values())
            .defaultsTo(OptimizerKind.ADAMW));
    public static final Option<Double> WEIGHT_DECAY = ALL.add(
            notNegative("weight decay", "W", "weight decay, applied to matrices only").defaultsTo(0.1));
    public static final Option<Double> BETA1 = ALL.add(decay("beta1", "first").defaultsTo(0.9));
    public static final Option<Double> BETA2 = ALL.add(decay("beta2", "second").defaultsTo(0.95));
    public static final Option<Double> GRAD_CLIP = ALL.add(
            notNegative("grad clip", "G", "largest norm of the gradient; 0: no clipping").defaultsTo(1.0));
    public static final Option<Integer> EVAL_INTERVAL =
            ALL.add(count("eval interval", 0, "steps between evaluations; 0: none").defaultsTo(150));
    public static final Option<Integer> EVAL_ITERS =
            ALL.add(count("eval iters", 1, "batches in an evaluation").defaultsTo(16));
    public static final Option<Integer> SAMPLE_INTERVAL =
            ALL.add(count("sample interval", 0, "steps between sample texts; 0: none").defaultsTo(300));
    public static final Option<Integer> CHECKPOINT_INTERVAL = ALL.add(
            count("checkpoint interval", 0, "steps between checkpoints; 0: only at the end").defaultsTo(150));
    public static final Option<Integer> KEEP_CHECKPOINTS =
            ALL.add(count("keep checkpoints", 1, "newest checkpoints that stay; older ones are deleted").defaultsTo(2));
    public static final Option<Boolean> KEEP_BEST = ALL.add(Option.flag("keep best",
            "also keep the checkpoint with the lowest validation loss, and save one at each new lowest"));
    public static final Option<Long> SEED = ALL.add(
            Option.seed("seed", "seed of weights, data order, dropout, random selection, and samples")
                    .defaultsTo(1337L));
    public static final Option<Boolean> SEPARATE_DOCUMENTS = ALL.add(Option.flag("separate documents",
            "a token attends only to tokens of its own document, not to those before it in the window (docs/data.md)"));
    public static final Option<Boolean> KEPT_BACKWARD = ALL.add(Option.flag("kept backward",
            "the backward pass visits the kept tokens alone, in every block: an approximation, for dropped tokens serve kept ones as "
                    + "context; changes nothing with a method that keeps all (docs/eslm.md)"));
    public static final Option<Integer> LORA_RANK = ALL.add(count("lora rank", 0,
            "rank of the adapters that are trained while the weights of the model stay as they are (docs/lora.md); 0: none")
            .defaultsTo(0));
    public static final Option<Double> LORA_ALPHA = ALL.add(
            Option.number("lora alpha", "A", "what the adapters add counts alpha/rank times")
                    .must("be greater than 0", value -> value > 0)
                    .defaultsTo("twice the rank", given -> Math.max(1, 2.0 * given.get(LORA_RANK))));
    public static final Option<Double> LORA_DROPOUT = ALL.add(
            Option.number("lora dropout", "P", "rate of the inputs that an adapter does not see in training")
                    .must("be at least 0 and below 1", value -> value >= 0 && value < 1).defaultsTo(0.0));
    public static final Option<String> LORA_TARGETS = ALL.add(
            Option.text("lora targets", "LAYERS", "the linear layers that have an adapter, with commas between them")
                    .defaultsTo("c_attn,c_proj,c_fc"));

    public static final Option<Boolean> ORDERED_SUM = ALL.add(Option.flag("ordered sum",
            "compute the gradient of each micro-batch by itself, and add them in their order: the same bits as on any number of "
                    + "ranks that share the steps (docs/scale.md)"));

    /** All options of training. */
    public static final OptionGroup GROUP = ALL.build("Training");

    /** Every option at its default. */
    public static TrainOptions defaults() {
        return new TrainOptions(OptionValues.defaults(GROUP));
    }

    /** The value of {@code option}, or its default. */
    public <T> T get(Option<T> option) {
        return values.get(option);
    }

    /**
     * These options with another value.
     *
     * @throws UserError if {@code value} breaks the option's rule
     */
    public <T> TrainOptions with(Option<T> option, T value) {
        return new TrainOptions(values.with(option, value));
    }

    /**
     * These options, replaced by those given to resume the run. A given learning rate below {@link #MIN_LR} lowers that too, and
     * a cosine that ends at the last step goes on to end at the new last step.
     */
    public TrainOptions resumedWith(OptionValues given) {
        OptionValues now = values.with(given);
        if (!given.isSet(MIN_LR)) {
            now = now.with(MIN_LR, Math.min(now.get(MIN_LR), now.get(LEARNING_RATE)));
        }
        if (!given.isSet(LR_DECAY_ITERS) && get(LR_DECAY_ITERS).equals(get(MAX_ITERS))) {
            now = now.with(LR_DECAY_ITERS, now.get(MAX_ITERS));
        }
        return new TrainOptions(now);
    }

    /**
     * Linear warm-up, then a cosine down to {@link #MIN_LR} at step {@link #LR_DECAY_ITERS}.
     *
     * @throws UserError if {@link #MIN_LR}, {@link #LEARNING_RATE}, {@link #WARMUP_ITERS} and {@link #LR_DECAY_ITERS} do not
     *         fit each other
     */
    public Schedule schedule() {
        if (get(MIN_LR) > get(LEARNING_RATE)) {
            throw new OptionError(MIN_LR, get(MIN_LR), "must be at most " + LEARNING_RATE + " " + get(LEARNING_RATE));
        }
        if (get(WARMUP_ITERS) >= get(LR_DECAY_ITERS)) {
            Option<?> end = get(LR_DECAY_ITERS).equals(get(MAX_ITERS)) ? MAX_ITERS : LR_DECAY_ITERS;
            throw new OptionError(WARMUP_ITERS, get(WARMUP_ITERS), "must be less than " + end + " "
                    + get(LR_DECAY_ITERS));
        }
        return Schedule.constant(get(LEARNING_RATE)).withWarmup(get(WARMUP_ITERS))
                .withCosineDecay(get(MIN_LR), get(LR_DECAY_ITERS));
    }

    /**
     * The token of {@code data} that ends a document, if documents are separated.
     *
     * @throws OptionError if they are, and there is no such token
     */
    public OptionalInt separator(TokenData data) {
        if (!get(SEPARATE_DOCUMENTS)) {
            return OptionalInt.empty();
        }
        Tokenizer tokenizer = data.tokenizer().orElseThrow(() -> new OptionError(SEPARATE_DOCUMENTS, null,
                data.source() + " does not say which of its ids ends a document, because its tokenizer is not known. "
                        + "Omit the option, or put the tokenizer beside the tokens"));
        return OptionalInt.of(tokenizer.endOfText().orElseThrow(() -> new OptionError(SEPARATE_DOCUMENTS, null,
                "the tokenizer of " + data.source() + " (" + tokenizer.description()
                        + ") has no token that ends a document. Omit the option, or use another tokenizer")));
    }

    /** The adapters that are trained in place of the weights, of no model yet; empty if there are none. */
    public Optional<LowRank> lowRank() {
        return get(LORA_RANK) == 0 ? Optional.empty()
                : Optional.of(new LowRank(get(LORA_RANK), get(LORA_ALPHA), get(LORA_DROPOUT),
                        Stream.of(get(LORA_TARGETS).split(",")).map(String::strip).filter(t -> !t.isEmpty()).toList(),
                        Optional.empty()));
    }

    /** AdamW's settings, with ε = 1e-8. */
    public AdamWOptions adamW() {
        return new AdamWOptions(get(BETA1), get(BETA2), 1e-8, get(WEIGHT_DECAY));
    }

    /** That {@code method} does not go without {@link #ORDERED_SUM}. */
    public static OptionError needsOrderedSum(String method) {
        return new OptionError(ORDERED_SUM, false, "method " + method
                + " chooses among the tokens of all micro-batches of a step, and needs it");
    }

    /** A new optimizer of {@code model}'s parameters. */
    public Optimizer optimizer(Gpt2 model) {
        return optimizer(model.parameters());
    }

    /** A new optimizer of some of a model's parameters, by path. */
    Optimizer optimizer(Map<String, Parameter> parameters) {
        return get(OPTIMIZER).of(parameters, adamW());
    }

    private static Option<Integer> count(String name, int least, String help) {
        return Option.count(name, help).must("be at least " + least, value -> value >= least);
    }

    private static Option<Double> notNegative(String name, String label, String help) {
        return Option.number(name, label, help).must("be at least 0", value -> value >= 0);
    }

    private static Option<Double> decay(String name, String moment) {
        return Option.number(name, "B", "AdamW's decay rate of the " + moment + " moment")
                .must("be at least 0 and below 1", value -> value >= 0 && value < 1);
    }
}
