// SPDX-License-Identifier: Apache-2.0
package io.eslm.run;

import io.eslm.gpt2.data.DataSource;
import io.eslm.gpt2.data.TokenData;
import io.eslm.gpt2.Gpt2Config;
import java.nio.file.Path;
import io.eslm.gpt2.option.OptionError;
import io.eslm.gpt2.option.Option;
import io.eslm.gpt2.option.OptionGroup;
import io.eslm.gpt2.option.OptionValues;
import io.eslm.gpt2.tokenizer.Tokenizers;
import io.eslm.gpt2.train.TrainOptions;

import java.util.Optional;

/**
 * Values that are given for the options of a run or a comparison.
 *
 * @param group of the options in {@code own}
 * @param own values of the run or comparison itself
 * @param training values of {@link TrainOptions#GROUP}
 * @param model values of {@link Gpt2Config#GROUP}
 */
public record RunOptions(OptionGroup group, OptionValues own, OptionValues training, OptionValues model) {
    /** Nothing given. */
    public static RunOptions of(OptionGroup group) {
        return new RunOptions(group, OptionValues.defaults(group), OptionValues.defaults(TrainOptions.GROUP),
                OptionValues.defaults(Gpt2Config.GROUP));
    }

    /** These values with {@code option} given, whose group may be any of the three. */
    public <T> RunOptions with(Option<T> option, T value) {
        if (group.find(option.key()).isPresent()) {
            return new RunOptions(group, own.with(option, value), training, model);
        }
        return TrainOptions.GROUP.find(option.key()).isPresent()
                ? new RunOptions(group, own, training.with(option, value), model)
                : new RunOptions(group, own, training, model.with(option, value));
    }

    /** These values, and in their place those that {@code other} has. */
    public RunOptions with(RunOptions other) {
        return new RunOptions(group, own.with(other.own), training.with(other.training), model.with(other.model));
    }

    /** The training, with defaults for what is not given. */
    public TrainOptions trainOptions() {
        return new TrainOptions(training);
    }

    /** {@link #newModel()} for data: without a given number of ids, it has those of the data's tokenizer. */
    public Gpt2Config newModel(TokenData data) {
        Gpt2Config asked = newModel();
        return model.isSet(Gpt2Config.VOCAB_SIZE) ? asked : data.tokenizer()
                .map(tokenizer -> asked.with(Gpt2Config.VOCAB_SIZE, tokenizer.vocabSize())).orElse(asked);
    }

    /** The shape of a new model: that of the preset, with the values that are given. */
    public Gpt2Config newModel() {
        return new Gpt2Config(Gpt2Config.preset(own.get(Gpt2Config.PRESET)).values().with(model));
    }

    /**
     * The name of the tokenizer that a new model starts with, if the data does not decide: the one that is asked for, or, for a model of
     * the demo's preset on the JDK's own sources, the one that was learned from those.
     */
    public Optional<String> tokenizer(String data) {
        boolean demo = data.equals(DataSource.JDK)
                && own.get(Gpt2Config.PRESET).equals(Gpt2Config.PRESETS.getFirst())
                && !model.isSet(Gpt2Config.VOCAB_SIZE);
        return own.find(Run.TOKENIZER).or(() -> demo ? Optional.of(Tokenizers.JDK) : Optional.empty());
    }

    /**
     * The shape of the model in {@code folder}, which has the shape {@code given}, with another dropout or a shorter context.
     *
     * @throws OptionError if an option asks for another shape
     */
    Gpt2Config shapeOf(Gpt2Config given, Path folder) {
        Gpt2Config config = given;
        if (model.isSet(Gpt2Config.BLOCK_SIZE) && model.get(Gpt2Config.BLOCK_SIZE) < given.blockSize()) {
            config = config.with(Gpt2Config.BLOCK_SIZE, model.get(Gpt2Config.BLOCK_SIZE));
        }
        checkShape(config, folder);
        return model.isSet(Gpt2Config.DROPOUT) ? config.with(Gpt2Config.DROPOUT, model.get(Gpt2Config.DROPOUT))
                : config;
    }

    /** @throws OptionError if an option asks for another shape than {@code config}, of the model in {@code where} */
    void checkShape(Gpt2Config config, Path where) {
        if (own.isSet(Run.PRESET)) {
            throw new OptionError(Run.PRESET, own.get(Run.PRESET),
                    "the model comes from " + where + ". Omit the option");
        }
        for (Option<?> option : Gpt2Config.GROUP.options()) {
            if (option != Gpt2Config.DROPOUT && model.isSet(option)
                    && !model.get(option).equals(config.values().get(option))) {
                throw new OptionError(option, model.get(option), "the model in " + where + " has "
                        + config.values().get(option) + ", and a model that exists keeps its shape. Omit the option");
            }
        }
    }
}
