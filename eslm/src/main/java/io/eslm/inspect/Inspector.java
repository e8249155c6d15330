// SPDX-License-Identifier: Apache-2.0
package io.eslm.inspect;

import io.eslm.gpt2.tokenizer.TokenTexts;
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.inspect.ActivationCache;
import io.eslm.gpt2.inspect.Inspection;
import io.eslm.gpt2.train.Objective;
import io.eslm.select.token.TokenScores;
import io.eslm.tensor.DType;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.UserError;
import io.eslm.tensor.io.AtomicFiles;
import io.eslm.tensor.io.Safetensors;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Looks at a model at work on one text, and writes down what there is: as a page for people, or as tensors for programs. */
public final class Inspector {
    private final Gpt2 model;
    private final int[] ids;
    private final TokenTexts texts;
    private final Optional<Objective> method;

    /**
     * Looks at N tokens: N − 1 positions, and the last token is only a target.
     *
     * @param texts of the ids
     * @param method whose choice of tokens and gradients to show; none for the mean over all predicted tokens
     * @throws UserError if the text does not fit the model
     */
    public Inspector(Gpt2 model, int[] ids, TokenTexts texts, Optional<Objective> method) {
        TokenScores.check(model.config(), ids);
        if (ids.length - 1 > model.config().blockSize()) {
            throw new UserError("the text has " + ids.length + " tokens, but the model reads "
                    + model.config().blockSize() + " at once; give at most " + (model.config().blockSize() + 1));
        }
        this.model = model;
        this.ids = ids.clone();
        this.texts = texts;
        this.method = method;
    }

    /**
     * Writes a self-contained HTML page.
     *
     * @param name of the model, for the page's title
     * @param backward whether it shows gradients, which takes a backward pass
     * @throws UserError if the model's losses are not finite, or the file cannot be written
     */
    public void writePage(Path file, String name, boolean backward) {
        AtomicFiles.writeString(file, InsightPage.of(new Look(model, ids, texts).insight(name, method, backward)));
    }

    /**
     * Writes activations and gradients as safetensors under their names, in single precision.
     *
     * @param globs as {@link Inspection#run}
     * @return the names that were written, in order of computation
     * @throws UserError if a glob matches nothing, or the file cannot be written
     */
    public List<String> export(Path file, List<String> globs) {
        Objective objective = method.orElseGet(Objective.Mean::new);
        ActivationCache cache = Inspection.run(model, ids, objective, globs.toArray(String[]::new));
        for (String glob : globs) {
            if (!cache.hasAny(glob)) {
                throw new UserError("method " + objective.name() + " does not show " + glob);
            }
        }
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        cache.names().forEach(name -> tensors.put(name, cache.get(name).to(DType.F32)));
        Safetensors.write(file, tensors, Map.of("method", objective.name(), "ids",
                IntStream.of(ids).mapToObj(String::valueOf).collect(Collectors.joining(" "))));
        return cache.names();
    }
}
