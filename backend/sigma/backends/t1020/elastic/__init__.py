"""What EQL and ES|QL share: predicates on Elastic's documents, and Lucene's regular expressions."""
