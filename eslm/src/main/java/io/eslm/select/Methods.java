// SPDX-License-Identifier: Apache-2.0
package io.eslm.select;

import static io.eslm.select.Setting.ALPHA;
import static io.eslm.select.Setting.ALPHA_END;

import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.checkpoint.ModelFolder;
import io.eslm.gpt2.train.MeanLoss;
import io.eslm.gpt2.train.TokenLoss;
import io.eslm.tensor.UserError;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/** The methods that {@code --method} takes: their names, their settings, and the loss that each one is. */
public final class Methods {
    /** Loads a model folder on the backend that trains: a reference or a teacher. */
    public interface Models extends Function<Path, Gpt2> {
    }

    private interface Maker {
        TokenLoss make(MethodSpec spec, Models models);
    }

    private record Method(List<Setting> settings, Maker maker) {
    }

    private static final Map<String, Method> ALL = new LinkedHashMap<>();

    static {
        method("clm", List.of(), (_, _) -> new MeanLoss());
        method("cvar-loss", List.of(ALPHA, ALPHA_END),
                (spec, _) -> new SelectiveLoss(spec.toString(), spec.alpha(), Risk.LOSS));
        method("var-entropy", List.of(ALPHA, ALPHA_END),
                (spec, _) -> new SelectiveLoss(spec.toString(), spec.alpha(), Risk.ENTROPY));
        method("random", List.of(ALPHA, ALPHA_END),
                (spec, _) -> new SelectiveLoss(spec.toString(), spec.alpha(), RandomSelection::new));
    }

    private Methods() {
    }

    private static void method(String name, List<Setting> settings, Maker maker) {
        ALL.put(name, new Method(settings, maker));
    }

    /** All names. */
    public static List<String> names() {
        return List.copyOf(ALL.keySet());
    }

    /**
     * What can be set about a method.
     *
     * @throws UserError if there is none of that name
     */
    public static List<Setting> settings(String name) {
        Method method = ALL.get(name);
        if (method == null) {
            throw new UserError("--method " + name + ": no such method; there are " + String.join(", ", names()));
        }
        return method.settings;
    }

    /**
     * Whether a method can train a model of this shape, found out from its settings and the config.json of the folders that it
     * names: before any work.
     *
     * @throws UserError if not
     */
    public static void check(MethodSpec spec, Gpt2Config config) {
        for (Setting s : settings(spec.name())) {
            if (spec.has(s) && s.isNeeded()) {
                checkFolder(s, spec.folder(s), config);
            }
        }
    }

    private static void checkFolder(Setting setting, Path folder, Gpt2Config config) {
        Gpt2Config other;
        try {
            other = ModelFolder.config(folder);
        } catch (UserError e) {
            throw new UserError(setting.option() + " " + e.getMessage(), e);
        }
        if (other.vocabSize() != config.vocabSize()) {
            throw new UserError(setting.option() + " " + folder + ": its vocabulary has " + other.vocabSize()
                    + " ids, but the model in training has " + config.vocabSize() + "; both must have the same tokens");
        }
        if (other.blockSize() < config.blockSize()) {
            throw new UserError(setting.option() + " " + folder + ": it has " + other.blockSize()
                    + " positions, but the model in training has " + config.blockSize()
                    + "; take a shorter --block-size, or another folder");
        }
    }

    /** The loss that {@code spec} trains on, in its initial state. */
    public static TokenLoss of(MethodSpec spec, Models models) {
        return ALL.get(spec.name()).maker.make(spec, models);
    }
}
