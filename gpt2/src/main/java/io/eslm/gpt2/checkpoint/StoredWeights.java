// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.checkpoint;

import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.PretrainedNames;
import io.eslm.gpt2.format.ForeignModel;
import io.eslm.tensor.Shape;
import io.eslm.tensor.UserError;
import io.eslm.tensor.io.TensorFile;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The weights of a model in its file, read piece by piece where a whole model would need too much memory. They come in the order
 * of a forward pass, and their names begin with {@value PretrainedNames#PREFIX}, whether the file has that or not. Attention masks
 * are left out, and so are a head beside the token embedding with which it is tied, and the zeros of a model without biases.
 */
public final class StoredWeights implements AutoCloseable {
    private static final Pattern IN_BLOCK = Pattern.compile("h\\.(\\d{1,7})\\.(.+)");
    private static final List<String> BEFORE_BLOCKS = List.of(PretrainedWeights.EMBEDDING, "wpe.weight");
    private static final List<String> BLOCK =
            List.of("ln_1.weight", "ln_1.bias", "attn.c_attn.weight", "attn.c_attn.bias", "attn.c_proj.weight",
                    "attn.c_proj.bias", "ln_2.weight", "ln_2.bias", "mlp.c_fc.weight", "mlp.c_fc.bias",
                    "mlp.c_proj.weight", "mlp.c_proj.bias");

    private final Path folder;
    private final Gpt2Config config;
    private final TensorFile file;
    /** The name in the file by ours. */
    private final Map<String, String> names = new LinkedHashMap<>();

    private StoredWeights(Path folder, Gpt2Config config, TensorFile file) {
        this.folder = folder;
        this.config = config;
        this.file = file;
        List<String> all = file.names().stream()
                .filter(name -> !PretrainedWeights.MASK.matcher(name).matches()).toList();
        boolean embedded =
                all.stream().anyMatch(name -> PretrainedNames.bare(name).equals(PretrainedWeights.EMBEDDING));
        all.stream().filter(name -> !config.tied() || !embedded || !name.equals(PretrainedWeights.HEAD))
                .filter(name -> config.bias() || !ZeroBiases.isBias(name))
                .sorted(Comparator.comparing(this::place)).forEach(name -> names.put(ours(name), name));
    }

    private boolean isHead(String name) {
        return name.equals(PretrainedWeights.HEAD) && !config.tied();
    }

    private String ours(String name) {
        return isHead(name) ? name : PretrainedNames.PREFIX
                + (name.equals(PretrainedWeights.HEAD) ? PretrainedWeights.EMBEDDING : PretrainedNames.bare(name));
    }

    /**
     * Opens the weights of a model folder, of the newest checkpoint of a run, or of a file of another program.
     *
     * @throws UserError if files are missing or damaged, or are no GPT-2
     */
    public static StoredWeights open(Path dir) {
        Optional<ForeignModel> foreign = ForeignModels.open(dir);
        if (foreign.isPresent()) {
            return of(dir, foreign.get());
        }
        Path folder = ModelFolder.resolve(dir);
        ModelFolder.checkManifest(folder);
        Gpt2Config config = ModelFolder.config(folder);
        return new StoredWeights(folder, config, ModelFolder.tensors(folder));
    }

    static StoredWeights of(Path file, ForeignModel model) {
        return new StoredWeights(file, model.config(), model);
    }

    /** Where a tensor stands in a forward pass: the block and the place there; unknown names come last. */
    private record Place(int block, int inBlock, String name) implements Comparable<Place> {
        private static final Comparator<Place> ORDER =
                Comparator.comparingInt(Place::block).thenComparingInt(Place::inBlock).thenComparing(Place::name);

        @Override
        public int compareTo(Place other) {
            return ORDER.compare(this, other);
        }
    }

    private Place place(String name) {
        String bare = PretrainedNames.bare(name);
        Matcher m = IN_BLOCK.matcher(bare);
        if (m.matches()) {
            int i = BLOCK.indexOf(m.group(2));
            return new Place(Integer.parseInt(m.group(1)), i < 0 ? BLOCK.size() : i, bare);
        }
        int i = BEFORE_BLOCKS
                .indexOf(bare.equals(PretrainedWeights.HEAD) && !isHead(name) ? PretrainedWeights.EMBEDDING : bare);
        return i < 0 ? new Place(Integer.MAX_VALUE, isHead(name) ? 2 : bare.endsWith("weight") ? 0 : 1, bare)
                : new Place(-1, i, bare);
    }

    /** The folder of the model itself, or its file. */
    public Path folder() {
        return folder;
    }

    /** The file or files themselves, with what is left out here. */
    TensorFile tensors() {
        return file;
    }

    boolean isFloat(String name) {
        return file.isFloat(names.get(name));
    }

    /** The shape of the model, as its config.json says. */
    public Gpt2Config config() {
        return config;
    }

    /** Names and shapes. */
    public Map<String, Shape> shapes() {
        Map<String, Shape> shapes = new LinkedHashMap<>();
        names.forEach((name, inFile) -> shapes.put(name, file.shape(inFile)));
        return shapes;
    }

    /** Copies elements {@code [from, from + n)} of a tensor, in row-major order, to the start of {@code out}. */
    public void read(String name, int from, float[] out, int n) {
        if (!names.containsKey(name)) {
            throw new NoSuchElementException(file.file() + ": has no weight " + name);
        }
        String inFile = names.get(name);
        file.floats(inFile, from, out, n);
    }

    @Override
    public void close() {
        file.close();
    }
}
