"""What EQL and ES|QL share: the documents of Elastic, and Lucene's regular expressions."""
