// SPDX-License-Identifier: Apache-2.0
package io.eslm.run;

import io.eslm.tensor.io.FileErrors;
import io.eslm.tensor.io.FileTrees;
import com.google.gson.JsonElement;
import io.eslm.gpt2.checkpoint.ModelFolder;
import io.eslm.gpt2.data.TokenData;
import io.eslm.gpt2.tokenizer.Tokenizer;
import io.eslm.gpt2.tokenizer.Tokenizers;
import com.google.gson.JsonObject;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.collective.Collective;
import io.eslm.gpt2.option.Option;
import io.eslm.gpt2.option.OptionError;
import io.eslm.gpt2.option.OptionValues;
import io.eslm.gpt2.train.TrainOptions;
import io.eslm.select.MethodSpec;
import io.eslm.tensor.UserError;
import io.eslm.tensor.io.Json;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * What the ranks of a training tell each other before the first step: rank 0 its settings, and each whether what it was given
 * itself, and the data that it reads, is the same. If not, all end with the same sentence.
 */
final class RankTalk {
    private final Collective ranks;

    RankTalk(Collective ranks) {
        this.ranks = ranks;
    }

    static Collective join(RankPlace place, Consumer<String> notes) {
        return place.meeting().join("eslm " + RunConfig.version() + " (" + Provenance.programCommit() + ")", notes);
    }

    /** @throws OptionError if the micro-batches of a step cannot be shared evenly */
    static void checkShare(RunPlan plan, int world) {
        int micro = plan.options().get(TrainOptions.GRAD_ACCUM);
        if (micro % world != 0) {
            throw new OptionError(TrainOptions.GRAD_ACCUM, micro, "must be a multiple of " + RankOptions.WORLD + " "
                    + world + ": the ranks share the micro-batches of a step evenly");
        }
    }

    // ---- settings

    /** On rank 0. */
    void tellSettings(RunPlan plan, Optional<Tokenizer> tokenizer) {
        JsonObject o = new JsonObject();
        o.addProperty("folder", plan.folder().toString());
        o.addProperty("data", plan.data());
        o.addProperty("method", plan.method().toString());
        o.add("options", plan.options().values().toJson());
        o.addProperty("prompt", plan.prompt());
        tokenizer.ifPresent(t -> o.add("tokenizer", files(t)));
        ranks.allGather(Json.line(o).getBytes(StandardCharsets.UTF_8));
        agree(Optional.empty());
    }

    /** What rank 0 told. The model comes later, because its vocabulary may be that of the data. */
    record Settings(RunPlan plan, Optional<Tokenizer> tokenizer) {
    }

    private static JsonObject files(Tokenizer tokenizer) {
        JsonObject files = new JsonObject();
        tokenizer.files().forEach((name, bytes) -> files.addProperty(name, Base64.getEncoder().encodeToString(bytes)));
        return files;
    }

    private static Tokenizer tokenizer(JsonObject files) {
        try {
            Path folder = Files.createTempDirectory("eslm-rank");
            try {
                for (Map.Entry<String, JsonElement> file : files.entrySet()) {
                    Files.write(folder.resolve(Path.of(file.getKey()).getFileName()),
                            Base64.getDecoder().decode(file.getValue().getAsString()));
                }
                return Tokenizers.inFolder(folder).orElseThrow();
            } finally {
                FileTrees.delete(folder);
            }
        } catch (IOException e) {
            throw new UserError("cannot keep rank 0's tokenizer: " + FileErrors.reason(e), e);
        }
    }

    /** On another rank, which was given {@code options} and perhaps a method. */
    Settings hearSettings(RunOptions options, Map<Option<?>, String> methodOptions) {
        Json o = hear();
        MethodSpec method = MethodSpec.parse(o.required("method", String.class));
        TrainOptions training = new TrainOptions(OptionValues.fromJson(TrainOptions.GROUP, o.child("options")));
        Optional<Tokenizer> tokenizer =
                o.has("tokenizer") ? Optional.of(tokenizer(o.child("tokenizer").object())) : Optional.empty();
        RunPlan plan = new RunPlan(Path.of(o.required("folder", String.class)), options.own().isSet(Run.DATA)
                ? options.own().get(Run.DATA) : o.required("data", String.class), method, options.newModel(), training,
                o.required("prompt", String.class), Optional.empty(), Optional.empty(), Optional.empty(), List.of(),
                Map.of(),
                List.of());
        MethodSpec asked = MethodSpec.parse(options.own().isSet(Run.METHOD) ? options.own().get(Run.METHOD)
                : method.toString(), methodOptions);
        agree((asked.equals(method) ? Optional.<String>empty() : Optional.of(differs(Run.METHOD, asked, method)))
                .or(() -> difference(options.training(), training.values(), TrainOptions.GROUP.options()))
                .or(() -> options.own().find(Run.TOKENIZER).filter(name -> tokenizer.isEmpty()
                        || Tokenizers.firstDifference(ModelFolder.tokenizerAt(name), tokenizer.get()).isPresent())
                        .map(name -> differs(Run.TOKENIZER, name,
                                tokenizer.map(Tokenizer::description).orElse("none")))));
        return new Settings(plan, tokenizer);
    }

    static String memory(RunPlan plan, int world) {
        return String.format(Locale.ROOT,
                "%d ranks share each step; each needs about %.2f GB of memory, and one process by itself %.2f GB",
                world,
                plan.memory(world) * 1e-9, plan.memory(1) * 1e-9);
    }

    // ---- model and data

    /** On rank 0. @param tokens of its record */
    void tellData(Gpt2Config model, JsonObject tokens) {
        JsonObject o = new JsonObject();
        o.add("model", model.values().toJson());
        o.add("tokens", tokens);
        ranks.allGather(Json.line(o).getBytes(StandardCharsets.UTF_8));
        agree(Optional.empty());
    }

    /** On another rank: the model. @param opened the data at {@code data} */
    Gpt2Config hearModel(RunOptions options, String data, TokenData opened) {
        Json o = hear();
        Gpt2Config model = new Gpt2Config(OptionValues.fromJson(Gpt2Config.GROUP, o.child("model")));
        JsonObject tokens = RunConfig.tokens(opened.forVocabulary(model.vocabSize()));
        Optional<String> fault = difference(options.model(), model.values(), Gpt2Config.GROUP.options());
        for (String part : List.of("tokenizer", "train", "held_out", "content")) {
            String theirs = String.valueOf(o.child("tokens").object().get(part));
            String mine = String.valueOf(tokens.get(part));
            if (fault.isEmpty() && !theirs.equals(mine)) {
                fault = Optional
                        .of("rank " + ranks.rank() + " reads other data than rank 0: the " + part.replace('_', ' ')
                                + " of " + data + " is " + shown(mine) + ", but on rank 0 " + shown(theirs));
            }
        }
        agree(fault);
        return model;
    }

    private static String shown(String value) {
        return UserError.within(100, value);
    }

    // ----

    private Json hear() {
        String text = new String(ranks.allGather(new byte[0])[0], StandardCharsets.UTF_8);
        return Json.of(Path.of("rank 0"), Json.parse(text));
    }

    /** Fails on all ranks if one of them has found a fault. */
    private void agree(Optional<String> fault) {
        for (byte[] other : ranks.allGather(fault.orElse("").getBytes(StandardCharsets.UTF_8))) {
            UserError.check(other.length == 0, "%s", new String(other, StandardCharsets.UTF_8));
        }
    }

    private Optional<String> difference(OptionValues given, OptionValues leading, List<Option<?>> options) {
        return options.stream().filter(given::isSet).filter(o -> !given.find(o).equals(leading.find(o)))
                .map(o -> differs(o, given.find(o).get(), leading.find(o).map(Object::toString).orElse("none")))
                .findFirst();
    }

    private String differs(Option<?> option, Object mine, Object leading) {
        return option + " is " + mine + " on rank " + ranks.rank() + ", but " + leading
                + " on rank 0. Give all ranks the same, or give it to rank 0 alone";
    }
}
