// SPDX-License-Identifier: Apache-2.0
package io.eslm.spark.data;

import io.eslm.gpt2.tokenizer.TokenTexts;
import io.eslm.select.token.Risk;
import io.eslm.select.token.TokenScores;
import io.eslm.spark.data.ScoreFiles.Unit;
import java.io.IOException;
import java.io.Serializable;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;

/**
 * Scores as a table, in the order of the corpus.
 *
 * @param threshold a score at or above it is selected
 */
record ScoreTable(Unit unit, Risk risk, float threshold) implements Serializable {
    /** A part whose slices begin with these numbers of documents. */
    record Numbered(Part part, long[] before) implements Serializable {
    }

    Dataset<Row> of(SparkSession session, Recipe recipe, List<Numbered> parts) {
        JavaSparkContext context = JavaSparkContext.fromSparkContext(session.sparkContext());
        Broadcast<Recipe> shared = context.broadcast(recipe);
        JavaRDD<Row> rows = context.parallelize(parts, parts.size())
                .flatMap(part -> reading(shared.value().scratch(), Tasks.run(shared.value().scratch(),
                        () -> rows(shared.value(), part))));
        return session.createDataFrame(rows, schema());
    }

    private StructType schema() {
        StructType schema = new StructType().add("file", DataTypes.StringType, false)
                .add("document", DataTypes.LongType, false);
        return unit == Unit.TOKEN
                ? schema.add("pos", DataTypes.IntegerType, false).add("id", DataTypes.IntegerType, false)
                        .add("text", DataTypes.StringType, true).add("loss", DataTypes.FloatType, false)
                        .add("entropy", DataTypes.FloatType, false).add("selected", DataTypes.BooleanType, false)
                : schema.add("tokens", DataTypes.IntegerType, false).add("loss", DataTypes.DoubleType, false)
                        .add("entropy", DataTypes.DoubleType, false).add("selected", DataTypes.BooleanType, false);
    }

    private Iterator<Row> rows(Recipe recipe, Numbered part) throws IOException {
        TokenTexts texts = new TokenTexts(Optional.of(recipe.encoder().tokenizer()));
        Iterable<ScoreFiles.Scored> documents = scored(recipe, part);
        return StreamSupport.stream(documents.spliterator(), false).flatMap(document -> {
            Slice slice = part.part.slices().get(document.slice());
            long number = part.before[document.slice()] + document.number();
            return unit == Unit.TOKEN ? tokens(slice.place(), number, document, texts)
                    : Stream.of(document(slice.place(), number, document));
        }).iterator();
    }

    /** {@code rows}, of which reading each fails as {@link Tasks} do. */
    private static Iterator<Row> reading(String what, Iterator<Row> rows) {
        return new Iterator<>() {
            @Override
            public boolean hasNext() {
                return Tasks.run(what, rows::hasNext);
            }

            @Override
            public Row next() {
                return Tasks.run(what, rows::next);
            }
        };
    }

    private static Iterable<ScoreFiles.Scored> scored(Recipe recipe, Numbered part) throws IOException {
        ScoreFiles.Reader reader = new ScoreFiles.Reader(recipe.folder(), part.part.number()); // closes at its end
        return () -> reader;
    }

    private Stream<Row> tokens(String file, long number, ScoreFiles.Scored document, TokenTexts texts) {
        TokenScores s = document.scores();
        float[] risks = document.risks(unit, risk);
        return IntStream.range(0, s.size()).mapToObj(i -> RowFactory.create(file, number, i + 1, s.ids()[i],
                texts.of(s.ids()[i]).orElse(null), s.loss()[i], s.entropy()[i], risks[i] >= threshold));
    }

    private Row document(String file, long number, ScoreFiles.Scored document) {
        TokenScores s = document.scores();
        return RowFactory.create(file, number, s.size() + 1, ScoreFiles.mean(s.loss()), ScoreFiles.mean(s.entropy()),
                document.risks(unit, risk)[0] >= threshold);
    }
}
