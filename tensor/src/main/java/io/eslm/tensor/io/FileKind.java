// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.io;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/** What a file is that should have been another one, by how it begins: a pointer to the file, an error page, an archive. */
public enum FileKind {
    GIT_LFS("a Git LFS pointer, which only stands for the file. Fetch the file: run 'git lfs pull' in its folder",
            "version https://git-lfs.github.com/spec/"),
    GIT_ANNEX("a git-annex pointer, which only stands for the file. Fetch the file: run 'git annex get' in its folder",
            "/annex/objects/"),
    HTML("a web page, often what a failed download leaves. Download the file again", "<!doctype html", "<html"),
    XML("an XML document, often what a failed download leaves. Download the file again", "<?xml"),
    NUMPY("a NumPy array (.npy)", "\u0093NUMPY"),
    GGUF("a GGUF file of llama.cpp. Take the model's files in the layout of Hugging Face", "GGUF"),
    ZIP("a zip archive, as PyTorch (.pt) and NumPy (.npz) write. Unpack it, or convert it in Python", "PK\3\4"),
    TORCH("a pickle of PyTorch, which is not read because loading it can run code. Convert it in Python",
            "\u0080\2\u008a\nl\u00fc\u009cF"),
    GZIP("compressed with gzip. Decompress it: gunzip", "\u001f\u008b\b"),
    ZSTD("compressed with Zstandard. Decompress it: unzstd", "\u0028\u00b5\u002f\u00fd"),
    BZIP2("compressed with bzip2. Decompress it: bunzip2", "BZh91AY&SY", "BZh61AY&SY", "BZh11AY&SY"),
    XZ("compressed with xz. Decompress it: unxz", "\u00fd7zXZ\0"),
    HDF5("an HDF5 file. Convert it in Python", "\u0089HDF\r\n\u001a\n"),
    PARQUET("a Parquet file", "PAR1"),
    ARROW("an Arrow file. Write it as Parquet", "ARROW1"),
    SEVEN_ZIP("a 7z archive. Unpack it", "7z\u00bc\u00af'\u001c"),
    PDF("a PDF document. Extract its text first", "%PDF-");

    /** Bytes from the start of a file that tell its kind. */
    public static final int HEAD = 64;

    private final String words;
    /** Each char is one byte. */
    private final String[] beginnings;

    FileKind(String words, String... beginnings) {
        this.words = words;
        this.beginnings = beginnings;
    }

    /** The kind of a file that begins with {@code head}; empty if it is none of these. */
    public static Optional<FileKind> of(byte[] head) {
        String start = new String(head, 0, Math.min(head.length, HEAD), StandardCharsets.ISO_8859_1);
        String page = start.replaceFirst("^\u00ef\u00bb\u00bf", "").stripLeading().toLowerCase(Locale.ROOT);
        return Arrays.stream(values()).filter(kind -> {
            String compared = kind == HTML || kind == XML ? page : start;
            return Arrays.stream(kind.beginnings).anyMatch(compared::startsWith);
        }).findFirst();
    }

    /** "FILE is a web page, …": the sentence, without its full stop. */
    public String sentence(Object file) {
        return file + " is " + words;
    }
}
