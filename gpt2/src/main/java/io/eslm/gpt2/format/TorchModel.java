// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.format;

import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.PretrainedNames;
import io.eslm.tensor.UserError;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import java.util.regex.Pattern;

/**
 * GPT-2 in a checkpoint of PyTorch: nanoGPT's {@code ckpt.pt}, which holds its shape, or the weights alone, as Hugging Face's {@code
 * pytorch_model.bin}.
 */
public final class TorchModel {
    /** What wrappers of a model put before the names of its weights. */
    private static final List<String> WRAPPERS = List.of("_orig_mod.", "module.");
    private static final Pattern LINEAR = Pattern.compile(".*\\.(c_attn|c_proj|c_fc)\\.weight");
    private static final Pattern QKV = Pattern.compile("(transformer\\.)?h\\.\\d+\\.attn\\.c_attn\\.weight");

    private final MappedFile file;
    private final TorchFile torch;

    private TorchModel(MappedFile file) {
        this.file = file;
        torch = TorchFile.open(file);
    }

    /**
     * Opens a checkpoint.
     *
     * @param beside reads the shape from the files beside it, if the checkpoint does not hold it
     * @throws UserError if it is damaged, holds more than tensors and plain data, or no GPT-2
     */
    public static ForeignModel open(Path file, Supplier<Gpt2Config> beside) {
        return MappedFile.open(file, mapped -> of(mapped, beside));
    }

    static ForeignModel of(MappedFile mapped, Supplier<Gpt2Config> beside) {
        return new TorchModel(mapped).model(beside);
    }

    private ForeignModel model(Supplier<Gpt2Config> beside) {
        if (!(torch.contents() instanceof Map<?, ?> saved)) {
            throw noModel("it holds no dictionary of weights");
        }
        Map<String, TorchFile.Stored> weights = Map.of();
        for (Object place : new Object[] {saved.get("model"), saved.get("state_dict"), saved}) {
            weights = weights.isEmpty() && place instanceof Map<?, ?> inside ? weights(inside) : weights;
        }
        Map<String, TensorData> data = new LinkedHashMap<>();
        weights.forEach((name, tensor) -> {
            if (tensor.type().isPresent()) {
                data.put(name, torch.data(name, tensor));
            }
        });
        boolean linear = isLinear(data);
        boolean nano = saved.get("model_args") instanceof Map<?, ?>;
        Gpt2Config config = nano ? new NanoArguments(file, (Map<?, ?>) saved.get("model_args")).config() : beside.get();
        ForeignModel model =
                new ForeignModel(file, nano ? "nanoGPT checkpoint" : "PyTorch checkpoint", config, () -> null);
        data.forEach((name, tensor) -> model.add(name, tensor, linear && LINEAR.matcher(name).matches()));
        return model;
    }

    /** nanoGPT's layers are torch.nn.Linear, (3C, C); Hugging Face's are (C, 3C). */
    private boolean isLinear(Map<String, TensorData> weights) {
        for (Map.Entry<String, TensorData> e : weights.entrySet()) {
            if (QKV.matcher(e.getKey()).matches() && e.getValue().shape().rank() == 2) {
                return e.getValue().shape().dim(0) == 3L * e.getValue().shape().dim(1);
            }
        }
        throw noModel("it has no tensor " + PretrainedNames.PREFIX + "h.0.attn.c_attn.weight");
    }

    private UserError noModel(String why) {
        return file.wrong("holds no GPT-2: " + why,
                "Name a checkpoint of nanoGPT, or the pytorch_model.bin of a GPT-2");
    }

    private static Map<String, TorchFile.Stored> weights(Map<?, ?> all) {
        Map<String, TorchFile.Stored> weights = new LinkedHashMap<>();
        all.forEach((key, value) -> {
            if (key instanceof String name && value instanceof TorchFile.Stored tensor) {
                String bare = name;
                for (String wrapper : WRAPPERS) {
                    bare = bare.startsWith(wrapper) ? bare.substring(wrapper.length()) : bare;
                }
                weights.put(bare, tensor);
            }
        });
        return weights;
    }
}
