"""What class-conditional generators are judged by: labelled images, similarity of pairs, nearest neighbours."""
